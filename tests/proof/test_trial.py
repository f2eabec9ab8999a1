"""Real twins on real (drawn) people: the same start, the same order, the engine's own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgeft_core.engine import NoControls, train
from edgeft_core.errors import DataError, RequestError
from edgeft_core.events import BatchDone
from edgeft_core.proof import limits
from edgeft_core.proof.plan import Plan, plan, remedy_of
from edgeft_core.proof.trial import Trial, run_trial, shortened
from edgeft_core.proof.twin import TwinRun
from tests.engine.runs import tiny

QUICK = 16


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STEPS", QUICK)
    monkeypatch.setattr(limits, "STEPS_LEAST", 8)
    monkeypatch.setattr(limits, "IMAGES_NEEDED", 16)


def nothing(*_: Any) -> None:
    return


def tried(chosen: Plan, folder: Path, start: Path | None = None) -> Trial:
    return run_trial(chosen, start=start, folder=folder / "work", cache=folder / "cache", tell=nothing)


def test_both_twins_do_what_the_engine_does_with_their_settings(tmp_path: Path) -> None:
    """Each equals a run of its own, although they take turns and share torch's random generator."""
    config = tiny(stages__0__epochs=5)
    chosen = plan(config, remedy_of(config, {"head.scale": 4.0}))
    trial = tried(chosen, tmp_path)
    for twin, settings in ((trial.without, chosen.without), (trial.with_fix, chosen.with_fix)):
        alone = losses(shortened(settings), tmp_path / f"alone-{settings.head.scale}")
        assert [value for value in twin.series["loss"] if value is not None] == alone[: trial.steps]
    assert trial.without.series["loss"] != trial.with_fix.series["loss"]


def losses(config: Any, folder: Path) -> list[float]:
    events = train(config, folder=folder, cache=folder / "cache", controls=NoControls())
    return [one.scalars["loss"] for one in events if isinstance(one, BatchDone)]


def test_twins_with_the_same_settings_show_the_same(tmp_path: Path) -> None:
    config = tiny()
    trial = tried(Plan(config, config, "beginning"), tmp_path)
    assert trial.without == trial.with_fix
    assert trial.steps == QUICK, "through both stages"
    assert {"top5", "max_class_share", "effective_classes", "cos_different", "loss"} <= set(
        trial.without.series
    )
    assert trial.without.measured["val_images"] == 12
    assert trial.n_classes == 12


def test_a_part_of_the_images_is_taken_where_all_would_have_to_be_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRAINED_IMAGES", 24)
    config = tiny(stages__0__epochs=3)
    twin = TwinRun("x", shortened(config), tmp_path, tmp_path / "cache", nothing)
    session = twin.session
    assert twin.left_out == "Trained on 24 of 48 images, spread evenly."
    assert set(np.bincount(session.dataset.labels_N[session.train_rows_N])) == {2}, "two of each person"
    assert session.config.stages[0].epochs == 6, "as many steps as before"
    assert twin.advance()
    twin.close()
    assert not list((tmp_path / "cache").rglob("*.safetensors")), "no cache for the run"


def test_too_few_images_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IMAGES_NEEDED", 64)
    config = tiny()
    with pytest.raises(DataError, match="There are 48 training images, and fewer than 64 say nothing"):
        tried(Plan(config, config, "beginning"), tmp_path)


def test_a_machine_that_is_too_slow_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUDGET_CPU_S", 0.0)
    config = tiny()
    with pytest.raises(RequestError, match="too slow for a trial just now: 0 steps of both"):
        tried(Plan(config, config, "beginning"), tmp_path)


def test_a_run_with_a_few_steps_left_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny(stages__0__epochs=1, stages__1__epochs=1)
    trial = tried(Plan(config, config, "beginning"), tmp_path / "few")
    assert (trial.steps, trial.notes[-1]) == (12, "The run ends before the 16 steps that were planned.")
    monkeypatch.setattr(limits, "STEPS_LEAST", 13)
    with pytest.raises(RequestError, match="Only 12 steps are left of this run"):
        tried(Plan(config, config, "beginning"), tmp_path)
