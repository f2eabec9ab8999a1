"""The observer on events: made-up ones for its rules, and two real runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.diagnosis import diagnose
from edgeft_core.diagnostics.observer import TRAIL_LENGTH, Observer
from edgeft_core.diagnostics.status import Status, Verdict
from edgeft_core.engine import train
from edgeft_core.engine.controls import NoControls
from edgeft_core.events import BatchDone, ControlHandled, RunPrepared, SignalsMeasured, StageStarted
from edgeft_core.presets import PRESETS
from tests.diagnostics.batches import COLLAPSED, HEALTHY, NOTHING, signals
from tests.diagnostics.cases import LOADED


def started(config: RunConfig | None = None, **changed: Any) -> Observer:
    """An observer of a run over 518 people that is about to take its first step."""
    config = config or PRESETS["reported-before"]()
    made = Observer("r1", config, **changed)
    made.observe(
        RunPrepared(
            class_names=tuple(str(number) for number in range(518)),
            split_images={"train": 4352, "validation": 1036, "test": 1036},
            label_counts_C=np.full(518, 8),
            steps_total=4760,
            steps_per_epoch=136,
            device="cpu",
            parameters={},
            weights=LOADED,
        )
    )
    made.observe(StageStarted(0, "head", 0, 10, 136, True, {"head": 265_216}))
    return made


def batch(step: int, changed: Any = NOTHING) -> BatchDone:
    labels_B = np.arange(32)
    return BatchDone(step, 0, step / 136, signals(step, changed), labels_B, labels_B)


def test_the_verdict_of_a_collapse_comes_with_its_cause() -> None:
    made = started()
    for step in range(1, 301):
        made.observe(batch(step, COLLAPSED))
    assert made.verdict.status == "collapsed"
    assert made.likely is not None
    assert made.likely.id.startswith("embedding.")


def test_parameters_that_do_not_change_are_worth_a_watch_at_once() -> None:
    made = started()
    made.observe(batch(1))
    made.observe(SignalsMeasured(1, {"unchanged_head": 1.0, "update_ratio_head": 0.0}))
    assert made.verdict.status == "watch"
    assert made.verdict.since_step == 1
    assert made.likely is not None
    assert made.likely.id == "head.not_training"


def test_the_watch_ends_when_the_cause_does() -> None:
    made = started()
    made.observe(batch(1))
    made.observe(SignalsMeasured(1, {"unchanged_head": 1.0}))
    made.observe(batch(2))
    made.observe(SignalsMeasured(2, {"unchanged_head": 0.0}))
    assert made.verdict.status == "learning"


def test_settings_in_force_are_those_of_the_last_step() -> None:
    made = started()
    made.observe(batch(1, {"scale": 64.0, "temperature": 2.0, "centre": 1.0}))
    head = made.case().config.head
    assert (head.scale, head.temperature, head.centre) == (64.0, 2.0, True)


def test_a_refused_change_gives_no_new_patience() -> None:
    verdicts = []
    for outcome in ("applied", "refused"):
        made = started()
        for step in range(1, 361):
            if step == 200:
                made.observe(ControlHandled(1, step, outcome, previous={"head.scale": 16.0}))
            made.observe(batch(step))
        verdicts.append(made.verdict.status)
    assert verdicts == ["learning", "stalled"]


def test_a_trail_of_any_length_stays_short_and_keeps_both_ends() -> None:
    made = started()
    for step in range(1, 3001):
        made.observe(batch(step, HEALTHY))
    trail = made.case().trails["loss"]
    assert len(trail.steps) <= TRAIL_LENGTH + 1
    assert trail.steps[0] == 1
    assert trail.steps[-1] > 2900


def test_an_error_about_nan_is_a_divergence() -> None:
    made = started()
    made.observe(batch(1))
    made.failed("Step 2 (stage head): NaN in the loss. The update was not made.", nonfinite=True)
    assert made.verdict == Verdict("diverged", 1, ("Step 2 (stage head): NaN in the loss.",))
    assert made.likely is not None
    assert made.likely.id == "numerics.nonfinite"


def test_an_observer_that_was_told_nothing_has_a_verdict_and_a_case() -> None:
    made = Observer("r1", RunConfig(), before=Verdict("collapsed", 7))
    made.failed("No such folder.", nonfinite=False)
    assert made.verdict == Verdict("collapsed", 7)
    assert made.case().error == "No such folder."


def followed(config: RunConfig, folder: Path) -> tuple[Observer, list[Status]]:
    """A real run, and every verdict it had."""
    observer = Observer("real", config)
    seen: list[Status] = []
    for event in train(config, folder=folder, cache=folder / "cache", controls=NoControls()):
        observer.observe(event)
        if not seen or seen[-1] != observer.verdict.status:
            seen.append(observer.verdict.status)
    return observer, seen


SMALL = {
    "data.identities": 30,
    "data.images_per_identity": 8,
    "data.workers": 0,
    "threads": 1,
    "stages.0.epochs": 30,
    "stages.0.patience_epochs": 30,
    "monitor.window_images": 256,
}


def head_only(changes: dict[str, Any]) -> RunConfig:
    config = with_values(PRESETS["recommended"](), SMALL | changes)
    return config.model_copy(update={"stages": config.stages[:1]})


@pytest.mark.slow
def test_a_real_healthy_run_is_never_alarmed_and_ends_healthy(tmp_path: Path) -> None:
    observer, seen = followed(head_only({}), tmp_path)
    assert seen == ["learning", "healthy"]
    assert not [one.id for one in diagnose(observer.case()).causes if one.confidence >= 0.5]


@pytest.mark.slow
def test_a_real_collapse_is_called_and_traced_to_the_pixels(tmp_path: Path) -> None:
    """A random backbone fed with 0 to 255: the mean cosine of different people is .99 from the first batch on."""
    changes = {
        "backbone.weights": "none",
        "data.normalisation": "none",
        "head.scale": 8.0,
        "head.temperature": 4.0,
    }
    observer, seen = followed(head_only(changes | {"stages.0.head_lr": 1e-4}), tmp_path)
    assert "collapsed" in seen
    assert observer.case().first["cos_different"] > 0.9
    assert diagnose(observer.case()).causes[0].id == "input.range"
