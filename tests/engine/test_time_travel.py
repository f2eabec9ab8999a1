"""Checkpoints to go back to, and going back: what follows is what followed before, digit for digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.engine import checkpoint_file, train
from edgeft_core.engine.kept import numbered, path_of
from edgeft_core.engine.newest import last_checkpoint, step_of
from edgeft_core.errors import WeightsError
from edgeft_core.events import (
    BatchDone,
    CheckpointSaved,
    CheckpointsDropped,
    ControlHandled,
    ControlRequest,
    Event,
    Notice,
    Past,
    Rewound,
    RunEnded,
    SignalsMeasured,
    StageEnded,
    TakenBack,
)
from tests.engine.runs import Script, by_step, events_of, of, started, stop_at, story, tiny

RING = {"checkpoints__every_steps": 5, "checkpoints__keep": 2, "checkpoints__keep_marked": 2}


def rewind(command_id: int, to_step: int, **options: Any) -> ControlRequest:
    return ControlRequest(command_id, "rewind", options={"to_step": to_step, **options})


def change(command_id: int, changes: dict[str, Any], **options: Any) -> ControlRequest:
    return ControlRequest(command_id, "set", changes, options)


def measured(events: list[Event]) -> list[object]:
    return story(event for event in events if isinstance(event, BatchDone | SignalsMeasured | StageEnded))


def after(events: list[Event], step: int) -> list[Event]:
    """What is told of steps later than this one."""
    return [event for event in events if getattr(event, "step", 0) > step]


def since_rewind(events: list[Event]) -> list[Event]:
    places = [place for place, event in enumerate(events) if isinstance(event, Rewound)]
    return events[places[-1] :]


def state(folder: Path) -> dict[str, Any]:
    """The last checkpoint, without what is counted and not computed."""
    content = checkpoint_file.read(path_of(folder, "last"))
    del content["collaborators"]["ControlDesk"]
    return content


def same(a: Any, b: Any) -> bool:
    """Equality that looks into tensors."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool((a == b).all()) if hasattr(a, "shape") else bool(a == b)


def kept(folder: Path) -> list[tuple[int, str]]:
    return [(one.step, one.kind) for one in numbered(folder)]


def test_the_ring_keeps_the_latest_and_says_what_it_drops(tmp_path: Path, whole_run: list[Event]) -> None:
    events = events_of(tiny(**RING), tmp_path)
    assert kept(tmp_path / "run") == [(15, "ring"), (20, "ring")]
    gone = [path for one in of(CheckpointsDropped, events) for path in one.paths]
    assert gone == ["checkpoints/ring-00000005.pt", "checkpoints/ring-00000010.pt"]
    first = next(one for one in of(CheckpointSaved, events))
    assert (first.kind, first.step) == ("first", 0)
    assert measured(events) == measured(whole_run)  # saving changes no number


def test_while_the_backbone_is_frozen_the_ring_holds_the_head_only(tmp_path: Path) -> None:
    saved = of(CheckpointSaved, events_of(tiny(**RING), tmp_path))
    sizes = {one.step: one.size_bytes for one in saved if one.kind == "ring"}
    assert sizes[10] < 200_000 < sizes[15]


def test_marks_are_saved_before_changes_once_per_step_and_bounded_apart_from_the_ring(tmp_path: Path) -> None:
    script = Script(
        {
            step: [change(step, {"head.scale": float(step)}), change(step + 50, {"head.temperature": 2.0})]
            for step in (3, 7, 9)
        }
        | {12: [ControlRequest(90, "checkpoint", options={"mark": "verdict"})], **stop_at(14).at}
    )
    events = events_of(tiny(**RING), tmp_path, controls=script)
    assert [
        (one.step, one.kind) for one in of(CheckpointSaved, events) if one.kind in {"command", "verdict"}
    ] == [
        (2, "command"),
        (6, "command"),
        (8, "command"),
        (11, "verdict"),
    ]
    assert kept(tmp_path / "run") == [(5, "ring"), (8, "command"), (10, "ring"), (11, "verdict")]
    content = checkpoint_file.read(path_of(tmp_path / "run", "command", 8))
    assert '"scale":7.0' in content["live_config"]


@pytest.mark.parametrize(("at", "to_step"), [(9, 5), (12, 10), (17, 10), (23, 15), (8, 0), (14, 12)])
def test_after_a_rewind_the_run_goes_on_as_it_did_before(
    tmp_path: Path, whole_run: list[Event], at: int, to_step: int
) -> None:
    config = tiny(**{**RING, "checkpoints__keep": 9})
    events = events_of(config, tmp_path, controls=Script({at: [rewind(1, to_step)]}))
    handled, rewound = of(ControlHandled, events)[0], of(Rewound, events)[0]
    assert (handled.outcome, handled.step) == ("applied", at)
    assert (rewound.step, rewound.from_step) == (to_step, at - 1)
    assert measured(after(since_rewind(events), to_step)) == measured(after(whole_run, to_step))
    plain = tmp_path / "plain"
    events_of(config, plain)
    assert same(state(tmp_path / "run"), state(plain / "run"))


def test_a_rewind_takes_back_live_changes_ramps_and_later_checkpoints(tmp_path: Path) -> None:
    script = Script(
        {
            4: [change(1, {"head.margin_rad": 0.5}, over_steps=10)],
            8: [change(2, {"head.temperature": 3.0}), change(3, {"head.margin_rad": 0.0})],
            9: [ControlRequest(4, "checkpoint")],
            11: [rewind(5, 5)],
        }
    )
    events = events_of(tiny(**RING), tmp_path, controls=script)
    handled = of(ControlHandled, events)[-1]
    assert handled.changes == {"head.margin_rad": pytest.approx(0.18), "head.temperature": 1.0}
    assert handled.previous == {"head.margin_rad": 0.0, "head.temperature": 3.0}
    batches = {one.step: one for one in of(BatchDone, since_rewind(events))}
    assert batches[6].scalars["margin_rad"] == pytest.approx(0.22)
    assert batches[13].scalars["margin_rad"] == pytest.approx(0.5)
    assert {one.scalars["temperature"] for one in batches.values()} == {1.0}
    gone = {path for one in of(CheckpointsDropped, events) for path in one.paths}
    assert {"checkpoints/manual-00000008.pt", "checkpoints/ring-00000010.pt"} <= gone


def test_the_best_of_a_future_that_is_no_more_is_forgotten(tmp_path: Path, whole_run: list[Event]) -> None:
    events = events_of(tiny(**RING), tmp_path, controls=Script({20: [rewind(1, 5)]}))
    assert of(RunEnded, events)[0].scalars == of(RunEnded, whole_run)[0].scalars
    assert step_of(checkpoint_file.read(path_of(tmp_path / "run", "best"))) > 5


def test_a_rewind_to_where_nothing_was_kept_is_refused_and_names_what_there_is(tmp_path: Path) -> None:
    script = Script({9: [rewind(1, 3), rewind(2, 50)], **stop_at(10).at})
    events = events_of(tiny(**RING), tmp_path, controls=script)
    refused = of(ControlHandled, events)[:2]
    assert [one.outcome for one in refused] == ["refused", "refused"]
    assert "no checkpoint of step 3 to go back to; there are some of: 0, 5, 6" in refused[0].reason
    assert not of(Rewound, events)


def test_a_paused_run_that_is_taken_back_stays_paused(tmp_path: Path, whole_run: list[Event]) -> None:
    script = Script(
        {9: [ControlRequest(1, "pause")]},
        while_paused=[[rewind(2, 5)], (), [ControlRequest(3, "resume")]],
    )
    events = events_of(tiny(**RING), tmp_path, controls=script)
    assert [one.command_id for one in of(ControlHandled, events)] == [1, 2, 3]
    assert not script.while_paused
    assert measured(after(since_rewind(events), 5)) == measured(after(whole_run, 5))


def test_a_run_that_died_goes_on_from_its_newest_checkpoint_and_repeats_the_commands_after_it(
    tmp_path: Path,
) -> None:
    changes = {
        3: [change(1, {"head.scale": 20.0})],
        9: [change(2, {"head.margin_rad": 0.4}, over_steps=6)],
        12: [change(3, {"stages.0.head_lr": 5e-3})],
    }
    config = tiny(**{**RING, "checkpoints__keep_marked": 0})
    whole = events_of(config, tmp_path / "a", controls=Script(dict(changes)))
    running = started(config, tmp_path / "b", controls=Script(dict(changes)))
    for event in running:
        if isinstance(event, BatchDone) and event.step == 12:
            break
    del running
    assert step_of(last_checkpoint(tmp_path / "b" / "run") or {}) == 10
    told = [
        replace(request, options={**request.options, "at_step": step, "again": True})
        for step, requests in changes.items()
        for request in requests
    ]
    resumed = events_of(config, tmp_path / "b", controls=At(told), resume=True)
    assert measured(resumed) == measured(after(whole, 10))
    assert (
        path_of(tmp_path / "a" / "run", "last").read_bytes()
        == path_of(tmp_path / "b" / "run", "last").read_bytes()
    )


class At:
    """Hands out everything at the first opportunity, as a worker does with commands that wait for their step."""

    def __init__(self, requests: Sequence[ControlRequest]) -> None:
        self._requests = list(requests)

    def poll(self, next_step: int) -> Sequence[ControlRequest]:
        assert next_step > 0
        told, self._requests = self._requests, []
        return told

    def wait(self, timeout_s: float) -> None:
        raise AssertionError("nobody paused")


def test_commands_with_a_step_of_their_own_give_the_same_run_again(tmp_path: Path) -> None:
    at = {
        3: [change(1, {"head.scale": 24.0, "head.centre": True})],
        8: [change(2, {"head.margin_rad": 0.4}, over_steps=20)],
        10: [change(3, {"stages.0.train_backbone": True, "stages.0.backbone_lr": 1e-4})],
        14: [rewind(4, 7)],
        16: [change(5, {"stages.1.epochs": 3})],
    }
    first = events_of(tiny(), tmp_path / "a", controls=Script(dict(at)))
    told = [
        replace(one, command_id=one.command_id + 100, options={**one.options, "at_step": step})
        for step, requests in at.items()
        for one in requests
    ]
    again = events_of(tiny(), tmp_path / "b", controls=At(told))
    assert [one.outcome for one in of(ControlHandled, again)] == ["applied"] * 5
    assert measured(again) == measured(first)
    assert same(state(tmp_path / "a" / "run"), state(tmp_path / "b" / "run"))


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty"])
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_it_taken(
    tmp_path: Path, whole_run: list[Event], damage: str
) -> None:
    events_of(tiny(**RING), tmp_path, controls=stop_at(13))
    last = path_of(tmp_path / "run", "last")
    blob = bytearray(last.read_bytes())
    if damage == "flipped":
        blob[len(blob) // 2] ^= 0x10
    last.write_bytes({"flipped": bytes(blob), "truncated": bytes(blob[:-500]), "empty": b""}[damage])
    second = events_of(tiny(**RING), tmp_path, resume=True)
    notice = next(one for one in of(Notice, second) if one.level == "warning")
    assert "last.pt cannot be read" in notice.text
    assert "goes on from the one before it" in notice.text
    assert measured(second) == measured(after(whole_run, 10))


def test_one_flipped_bit_anywhere_in_the_weights_is_found(tmp_path: Path) -> None:
    path = checkpoint_file.write(
        tmp_path / "some.pt",
        checkpoint_file.serialise({"position": {"step": 1}, "numbers": list(range(5000))}),
    ).path
    whole = path.read_bytes()
    for place in range(100, len(whole) - 400, len(whole) // 40):
        blob = bytearray(whole)
        blob[place] ^= 1
        path.write_bytes(bytes(blob))
        try:
            content = checkpoint_file.read(path)
        except Exception as error:
            assert type(error).__name__ == "WeightsError"
        else:  # between the parts, where nothing is read from
            assert content["numbers"] == list(range(5000))


def dead_after_ring(home: Path, script: Script) -> list[Event]:
    """A run that dies once the checkpoint of step 5 is in the ring."""
    events: list[Event] = []
    for event in started(tiny(**RING), home, controls=script):
        events.append(event)
        if isinstance(event, CheckpointSaved) and event.kind == "ring":
            break
    return events


def test_an_answer_that_nobody_wrote_down_before_the_worker_died_is_given_again(tmp_path: Path) -> None:
    asked, refused = change(1, {"head.margin_rad": 0.5}), change(2, {"head.temperature": 0.0})
    events = dead_after_ring(tmp_path, Script({4: [asked, refused]}))
    again = events_of(
        tiny(**RING), tmp_path, controls=Script({6: [asked, refused], **stop_at(7).at}), resume=True
    )
    assert of(ControlHandled, again)[:2] == of(ControlHandled, events)
    assert [(one.step, one.outcome) for one in of(ControlHandled, again)][:2] == [
        (4, "applied"),
        (4, "refused"),
    ]


def test_a_rewind_that_is_over_keeps_no_later_change_from_being_made_again(tmp_path: Path) -> None:
    config = tiny(**RING)
    requests = [change(1, {"head.scale": 20.0}), rewind(2, 5), change(3, {"head.temperature": 2.0})]
    script = Script({4: requests[:1], 10: requests[1:2], **stop_at(99).at})
    events: list[Event] = []
    for event in started(config, tmp_path, controls=script):
        events.append(event)
        if isinstance(event, Rewound):
            script.at[7] = requests[2:]
        if isinstance(event, BatchDone) and event.step == 8 and of(Rewound, events):
            break
    steps = {one.command_id: one.step for one in of(ControlHandled, events)}
    assert steps == {1: 4, 2: 10, 3: 7}
    told = [change(1, {"head.scale": 20.0}, at_step=4, again=True)]
    told += [change(3, {"head.temperature": 2.0}, at_step=7, again=True)]
    for one in numbered(tmp_path / "run"):
        one.path.unlink()  # what is left is of step 6, after the rewind and before the last change
    again = events_of(config, tmp_path, controls=Script({7: told, **stop_at(9).at}), resume=True)
    assert not of(Rewound, again)
    assert {one.step: one.scalars["temperature"] for one in of(BatchDone, again)} == {7: 2.0, 8: 2.0}


def test_a_checkpoint_of_what_a_rewind_took_back_is_none_of_the_runs(tmp_path: Path) -> None:
    config = tiny(**{**RING, "checkpoints__keep": 9})
    lost = change(1, {"head.scale": 20.0})
    events_of(config, tmp_path, controls=Script({8: [lost], **stop_at(12).at}))
    past = Past((TakenBack(2, to_step=5, commands=frozenset({1})),))
    again = change(3, {"head.temperature": 2.0}, at_step=7, again=True)
    events = resumed(config, tmp_path, Script({6: [again], **stop_at(9).at}), past)
    assert [one.step for one in of(BatchDone, events)] == [6, 7, 8]
    assert [one.scalars["temperature"] for one in of(BatchDone, events)] == [1.0, 2.0, 2.0]
    assert {one.scalars["scale"] for one in of(BatchDone, events)} == {16.0}
    assert [one.command_id for one in of(ControlHandled, events)] == [99]
    assert kept(tmp_path / "run") == [(5, "ring"), (6, "command")]
    told = [one.text for one in of(Notice, events)]
    assert any(
        text.endswith("checkpoints: last.pt, best.pt, ring-00000010.pt, command-00000007.pt.")
        for text in told
    ), told


def test_a_checkpoint_that_obeyed_what_was_refused_since_is_none_of_the_runs(tmp_path: Path) -> None:
    script = Script(
        {4: [change(1, {"head.scale": 20.0})], 6: [change(2, {"head.scale": 0.0})], **stop_at(8).at}
    )
    events_of(tiny(**RING), tmp_path, controls=script)
    told = resumed(tiny(**RING), tmp_path, stop_at(5), Past(refused=frozenset({1})))
    assert {one.step: one.scalars["scale"] for one in of(BatchDone, told)} == {4: 16.0}
    assert [one.step for one in of(CheckpointSaved, told) if one.kind == "last"] == [3, 4]


def test_a_refusal_that_a_checkpoint_knows_of_is_no_reason_to_pass_it_over(tmp_path: Path) -> None:
    events_of(tiny(), tmp_path, controls=Script({6: [change(2, {"head.scale": 0.0})], **stop_at(8).at}))
    told = resumed(tiny(), tmp_path, stop_at(9), Past(refused=frozenset({1, 2})))
    assert [one.step for one in of(BatchDone, told)] == [8]


def test_where_all_that_are_the_runs_are_damaged_it_does_not_begin_anew_unasked(tmp_path: Path) -> None:
    events_of(tiny(), tmp_path, controls=stop_at(8))
    for name in ("first", "best"):
        path_of(tmp_path / "run", name).write_bytes(b"damaged")
    past = Past((TakenBack(2, to_step=5, commands=frozenset()),))
    with pytest.raises(WeightsError, match="cannot be read"):
        resumed(tiny(), tmp_path, stop_at(9), past)


def resumed(config: RunConfig, home: Path, script: Script, past: Past) -> list[Event]:
    folder = home / "run"
    return list(train(config, folder=folder, cache=home / "cache", controls=script, resume=True, past=past))


def test_what_is_asked_for_meanwhile_comes_after_what_is_made_again(tmp_path: Path) -> None:
    config = tiny(**RING)
    dead_after_ring(tmp_path, Script({}))
    again = change(1, {"head.temperature": 2.0}, at_step=8, again=True)
    asked = [change(2, {"head.temperature": 3.0}), ControlRequest(3, "checkpoint")]
    events = events_of(config, tmp_path, controls=Script({6: [again, *asked], **stop_at(9).at}), resume=True)
    assert [(one.command_id, one.step) for one in of(ControlHandled, events)] == [(3, 6), (2, 8), (99, 9)]
    assert of(ControlHandled, events)[1].previous == {"head.temperature": 2.0}
    assert {one.step: one.scalars["temperature"] for one in of(BatchDone, events)} == {6: 1.0, 7: 1.0, 8: 3.0}


def test_a_change_right_after_a_rewind_finds_a_gradual_one_where_it_was(tmp_path: Path) -> None:
    gradual = change(1, {"head.margin_rad": 0.5}, over_steps=4)
    script = Script({4: [gradual], 6: [rewind(2, 5), change(3, {"head.margin_rad": 0.2})], **stop_at(7).at})
    told = {
        one.command_id: one for one in of(ControlHandled, events_of(tiny(**RING), tmp_path, controls=script))
    }
    assert (told[3].outcome, told[3].step) == ("applied", 6)
    assert told[3].previous == {"head.margin_rad": pytest.approx(0.3)}  # in step 5, of .1 to .5 in four steps


def test_a_replay_that_somebody_takes_back_does_not_go_on_as_the_run_that_it_repeats(tmp_path: Path) -> None:
    dated = [change(1, {"head.scale": 20.0}, at_step=3), change(2, {"head.scale": 24.0}, at_step=9)]
    script = Script({1: dated, 8: [rewind(3, 5)], **stop_at(12).at})
    events = events_of(tiny(**RING), tmp_path, controls=script)
    answers = [(one.command_id, one.outcome, one.step) for one in of(ControlHandled, events)]
    assert answers == [(1, "applied", 3), (2, "refused", 8), (3, "applied", 8), (99, "applied", 12)]
    assert by_step(events)[10].scalars["scale"] == 20.0


def test_a_change_that_is_to_be_made_again_is_not_lost_by_a_newer_one_and_a_second_death(
    tmp_path: Path,
) -> None:
    config = tiny(**RING)
    again = change(1, {"head.temperature": 2.0}, at_step=8, again=True)
    dead_after_ring(tmp_path, Script({1: [again], 3: [change(2, {"head.scale": 20.0})]}))
    third = events_of(config, tmp_path, controls=Script({6: [again], **stop_at(9).at}), resume=True)
    assert {one.step: one.scalars["temperature"] for one in of(BatchDone, third)} == {6: 1.0, 7: 1.0, 8: 2.0}


def test_a_rewind_takes_the_state_of_its_step_before_the_changes_that_came_after_it(tmp_path: Path) -> None:
    script = Script(
        {
            6: [change(1, {"head.temperature": 2.0}), ControlRequest(2, "checkpoint")],
            8: [rewind(3, 5)],
            **stop_at(9).at,
        }
    )
    events = events_of(tiny(**RING), tmp_path, controls=script)
    assert {(one.step, one.kind) for one in of(CheckpointSaved, events)} >= {(5, "manual"), (5, "ring")}
    assert [one.scalars["temperature"] for one in of(BatchDone, since_rewind(events))][:1] == [1.0]
