"""A fork without changes continues digit for digit as its parent did; one with changes takes what fits."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.engine.kept import path_of
from edgeft_core.errors import WeightsError
from edgeft_core.events import (
    BatchDone,
    CheckpointSaved,
    Event,
    Notice,
    RunEnded,
    SamplesTaken,
    SignalsMeasured,
    StageStarted,
)
from edgeft_core.settings import START_CHECKPOINT
from tests.engine.runs import by_step, events_of, of, stop_at, story, tiny


def parent_stopped_before(step: int, home: Path) -> list[Event]:
    return events_of(tiny(), home, controls=stop_at(step), name="parent")


def forked(config: RunConfig, home: Path, *, best: bool = False, **options: Any) -> list[Event]:
    """All events of a run that sets out from the parent's last checkpoint."""
    parent, child = home / "parent", home / "child"
    (child / START_CHECKPOINT).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path_of(parent, "last"), child / START_CHECKPOINT)
    if best:
        shutil.copy(path_of(parent, "best"), path_of(child, "best"))
    return events_of(config, home, name="child", **options)


def measured_after(step: int, events: list[Event]) -> list[object]:
    kinds = BatchDone | SignalsMeasured | SamplesTaken | RunEnded
    return story(event for event in events if isinstance(event, kinds) and event.step > step)


@pytest.mark.parametrize("step", [4, 7, 20])
def test_a_fork_without_changes_continues_as_its_parent_did(
    tmp_path: Path, whole_run: list[Event], step: int
) -> None:
    parent_stopped_before(step, tmp_path)
    events = forked(tiny(), tmp_path, best=step > 6)
    assert [one.step for one in of(BatchDone, events)] == list(range(step, 25)), (
        "its steps continue the count"
    )
    assert measured_after(step - 1, events) == measured_after(step - 1, whole_run)
    last = [
        [one.sha256 for one in of(CheckpointSaved, run) if one.kind == "last"][-1]
        for run in (events, whole_run)
    ]
    assert last[0] == last[1]


def test_a_fork_that_was_stopped_goes_on_from_its_own_checkpoint(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    parent_stopped_before(4, tmp_path)
    first = forked(tiny(), tmp_path, controls=stop_at(9))
    second = events_of(tiny(), tmp_path, name="child", resume=True)
    assert of(RunEnded, first)[0].step == 8
    together = [*(one for one in first if not isinstance(one, RunEnded)), *second]
    assert measured_after(3, together) == measured_after(3, whole_run)


def test_a_fork_that_died_before_its_first_checkpoint_sets_out_again(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    parent_stopped_before(4, tmp_path)
    events = forked(tiny(), tmp_path, resume=True)
    assert story([by_step(events)[4]]) == story([by_step(whole_run)[4]])


def test_a_fork_takes_its_own_settings_whatever_was_changed_live(tmp_path: Path) -> None:
    parent_stopped_before(4, tmp_path)
    events = forked(tiny(head__scale=20.0, data__normalisation="imagenet"), tmp_path)
    first = of(BatchDone, events)[0].scalars
    assert first["scale"] == 20.0
    assert first["window_images"] == 8, "its window of predictions begins anew"


def test_other_classes_are_refused_in_a_sentence(tmp_path: Path) -> None:
    parent_stopped_before(4, tmp_path)
    with pytest.raises(WeightsError, match="trained on 12 classes and the data has 11"):
        forked(tiny(data__identities=11), tmp_path)


def test_parts_that_do_not_fit_begin_anew(tmp_path: Path) -> None:
    parent_stopped_before(4, tmp_path)
    events = forked(tiny(stages__0__backbone_lr=1e-4, stages__0__train_backbone=True), tmp_path)
    assert any("optimiser begins anew" in one.text for one in of(Notice, events))
    assert of(StageStarted, events)[0].trainable["backbone"] > 0
    assert of(BatchDone, events)[0].step == 4


def test_another_batch_size_goes_on_at_the_same_share_of_the_epoch(tmp_path: Path) -> None:
    parent_stopped_before(5, tmp_path)  # 4 of 6 batches of 8 images are done
    events = forked(tiny(data__batch_size=16), tmp_path)
    first = of(BatchDone, events)[0]
    assert (first.step, len(first.labels_B), first.epoch) == (5, 16, 1.0)


def test_a_complete_run_can_be_given_more_epochs(tmp_path: Path) -> None:
    events_of(tiny(), tmp_path, name="parent")
    events = forked(tiny(stages__1__epochs=3), tmp_path)
    assert [one.step for one in of(BatchDone, events)] == list(range(25, 31))
    assert {one.stage for one in of(BatchDone, events)} == {1}
    assert of(RunEnded, events)[0].reason == "finished"


def test_a_damaged_start_is_named(tmp_path: Path) -> None:
    start = tmp_path / "child" / START_CHECKPOINT
    start.parent.mkdir(parents=True)
    start.write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError, match=r"start\.pt cannot be read"):
        events_of(tiny(), tmp_path, name="child", resume=True)
