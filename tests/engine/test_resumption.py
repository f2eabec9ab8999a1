"""Stopped or killed and resumed equals uninterrupted, digit for digit."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeft_core.engine.embedder import Embedder
from edgeft_core.engine.kept import path_of
from edgeft_core.errors import WeightsError
from edgeft_core.events import (
    BatchDone,
    CheckpointSaved,
    ControlHandled,
    Event,
    Notice,
    RunEnded,
    SamplesTaken,
    SignalsMeasured,
    StageEnded,
)
from tests.engine.runs import Script, by_step, events_of, of, set_at, started, stop_at, story, tiny


def measured(events: list[Event]) -> list[object]:
    """What the two halves of an interrupted run tell together, and a whole run tells too."""
    kinds = BatchDone | SignalsMeasured | SamplesTaken | StageEnded
    return story(event for event in events if isinstance(event, kinds))


def final_checkpoint(events: list[Event]) -> str:
    return [one.sha256 for one in of(CheckpointSaved, events) if one.kind == "last"][-1]


@pytest.mark.parametrize("step", [1, 4, 7, 12, 13, 16, 24])
def test_a_run_stopped_before_any_step_and_resumed_equals_one_that_was_not(
    tmp_path: Path, whole_run: list[Event], step: int
) -> None:
    first = events_of(tiny(), tmp_path, controls=stop_at(step))
    assert of(RunEnded, first)[0].reason == "stopped"
    assert len(of(BatchDone, first)) == step - 1
    second = events_of(tiny(), tmp_path, resume=True)
    assert measured([*first, *second]) == measured(whole_run)
    assert final_checkpoint(second) == final_checkpoint(whole_run)


@pytest.mark.parametrize("died_after", [9, 20])
def test_a_run_that_died_goes_on_from_its_last_epoch(
    tmp_path: Path, whole_run: list[Event], died_after: int
) -> None:
    running = started(tiny(), tmp_path)
    for event in running:
        if isinstance(event, BatchDone) and event.step == died_after:
            break
    del running
    second = events_of(tiny(), tmp_path, resume=True)
    whole, again = by_step(whole_run), by_step(second)
    assert sorted(again) == list(range(died_after // 6 * 6 + 1, 25))
    assert story(again.values()) == story(whole[step] for step in sorted(again))
    assert final_checkpoint(second) == final_checkpoint(whole_run)


def test_a_run_may_lose_its_embedding_cache_between_stop_and_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Embedder, "chunk", 10)  # several chunks, none of whole batches
    whole = events_of(tiny(), tmp_path / "whole")
    first = events_of(tiny(), tmp_path, controls=stop_at(9))
    for file in (tmp_path / "cache" / "embeddings").glob("*"):
        file.unlink()
    second = events_of(tiny(), tmp_path, resume=True)
    assert measured([*first, *second]) == measured(whole)


def test_live_changes_survive_a_resume(tmp_path: Path) -> None:
    change_and_stop = set_at(3, head__temperature=2.0, stages__1__head_lr=5e-4)
    change_and_stop.at = {**change_and_stop.at, **stop_at(8).at}
    first = events_of(tiny(), tmp_path / "a", controls=change_and_stop)
    second = events_of(tiny(), tmp_path / "a", resume=True)
    whole = events_of(
        tiny(), tmp_path / "b", controls=set_at(3, head__temperature=2.0, stages__1__head_lr=5e-4)
    )
    assert measured([*first, *second]) == measured(whole)


def test_a_fork_takes_its_own_settings_and_keeps_the_live_ones_it_does_not_change(tmp_path: Path) -> None:
    script = set_at(2, head__temperature=2.0, head__scale=12.0)
    script.at = {**script.at, **stop_at(5).at}
    events_of(tiny(), tmp_path, controls=script)
    forked = events_of(tiny(head__scale=20.0), tmp_path, resume=True)
    after = of(BatchDone, forked)[0].scalars
    assert (after["scale"], after["temperature"]) == (20.0, 2.0)


def test_resuming_without_a_checkpoint_starts_from_the_beginning(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    events = events_of(tiny(), tmp_path, resume=True)
    assert any("starts from the beginning" in one.text for one in of(Notice, events))
    assert measured(events) == measured(whole_run)


def test_resuming_a_finished_run_only_repeats_the_test(tmp_path: Path, whole_run: list[Event]) -> None:
    events_of(tiny(), tmp_path)
    again = events_of(tiny(), tmp_path, resume=True)
    assert not of(BatchDone, again)
    assert of(RunEnded, again)[0].scalars == of(RunEnded, whole_run)[0].scalars


def test_a_damaged_checkpoint_is_named_where_no_other_is_left(tmp_path: Path) -> None:
    events_of(tiny(), tmp_path, controls=stop_at(2))
    path_of(tmp_path / "run", "last").write_bytes(b"not a checkpoint")
    path_of(tmp_path / "run", "first").unlink()
    with pytest.raises(WeightsError, match=r"last\.pt cannot be read"):
        events_of(tiny(), tmp_path, resume=True)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    events_of(tiny(), tmp_path, controls=stop_at(2))
    with pytest.raises(WeightsError, match="another network"):
        events_of(tiny(backbone__embedding_dim=16), tmp_path, resume=True)


def test_stopping_answers_the_command_and_saves_where_the_run_stands(tmp_path: Path) -> None:
    events = events_of(tiny(), tmp_path, controls=Script(stop_at(4).at))
    handled = of(ControlHandled, events)[0]
    assert (handled.command_id, handled.outcome, handled.step) == (99, "applied", 4)
    saved = of(CheckpointSaved, events)[-1]
    assert (saved.kind, saved.step) == ("last", 3)


def test_a_fork_with_fewer_epochs_than_were_done_goes_to_the_next_stage(tmp_path: Path) -> None:
    events_of(tiny(stages__0__epochs=3), tmp_path, controls=stop_at(14))
    forked = events_of(tiny(stages__0__epochs=1), tmp_path, resume=True)
    assert {one.stage for one in of(BatchDone, forked)} == {1}
