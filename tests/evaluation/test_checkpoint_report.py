"""Evaluating a checkpoint of a run agrees with what the run told itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeft_core.engine.kept import path_of
from edgeft_core.errors import WeightsError
from edgeft_core.evaluation.checkpoint_report import evaluate_checkpoint
from edgeft_core.events import Event, RunEnded, SignalsMeasured
from tests.engine.runs import events_of, of, tiny
from tests.engine.sessions import drained


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture(scope="module")
def told(home: Path) -> list[Event]:
    return events_of(tiny(), home)


def test_the_best_checkpoint_scores_on_the_test_split_what_the_run_reported(
    home: Path, told: list[Event]
) -> None:
    best = path_of(home / "run", "best")
    report = drained(evaluate_checkpoint(tiny(), best, "test", folder=home / "run", cache=home / "cache"))[1]
    ended = of(RunEnded, told)[0].scalars
    for name, value in {**report["identification"], **report["similarity"]}.items():
        assert value == pytest.approx(ended[f"test_{name}"], abs=1e-6)
    assert (report["split"], report["images"], report["classes"]) == ("test", 12, 12)
    assert 0.0 <= report["nearest_class_mean"]["top1"] <= report["nearest_class_mean"]["top5"] <= 1.0


def test_the_last_checkpoint_scores_on_validation_what_its_last_validation_found(
    home: Path, told: list[Event]
) -> None:
    last = path_of(home / "run", "last")
    report = drained(
        evaluate_checkpoint(tiny(), last, "validation", folder=home / "run", cache=home / "cache")
    )[1]
    validated = [one for one in of(SignalsMeasured, told) if "val_top1" in one.scalars][-1]
    assert report["step"] == validated.step == 24
    assert report["identification"]["loss"] == pytest.approx(validated.scalars["val_loss"], rel=1e-5)


def test_pairs_are_verified_where_people_have_two_images(home: Path, told: list[Event]) -> None:
    last = path_of(home / "run", "last")
    report = drained(evaluate_checkpoint(tiny(), last, "train", folder=home / "run", cache=home / "cache"))[1]
    assert report["verification"]["genuine_pairs"] == 12 * 6
    assert 0.5 < report["verification"]["auc"] <= 1.0
    one_each = drained(
        evaluate_checkpoint(tiny(), last, "validation", folder=home / "run", cache=home / "cache")
    )[1]
    assert one_each["verification"] is None


def test_a_missing_checkpoint_is_named(home: Path) -> None:
    with pytest.raises(WeightsError, match=r"There is no checkpoint .*best\.pt"):
        drained(
            evaluate_checkpoint(
                tiny(), path_of(home / "nobody", "best"), "test", folder=home, cache=home / "cache"
            )
        )
