"""Live control: which settings may change, and what happens to a running job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeft_core.engine.controls import LiveSettings
from edgeft_core.engine.embedder import Embedder
from edgeft_core.errors import ConfigError
from edgeft_core.events import (
    BatchDone,
    CheckpointSaved,
    ControlHandled,
    ControlRequest,
    Event,
    PauseChanged,
    Progress,
    RunEnded,
    SignalsMeasured,
)
from tests.engine.runs import Script, by_step, events_of, of, set_at, started, stop_at, tiny


def test_a_live_change_returns_what_was_in_force_before() -> None:
    live = LiveSettings(tiny())
    assert live.change({"head.temperature": 4.0, "stages.1.head_lr": 2e-5}) == {
        "head.temperature": 1.0,
        "stages.1.head_lr": 1e-3,
    }
    assert live.head.temperature == 4.0
    assert live.stage(1).head_lr == 2e-5


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("head.temprature", 2.0, "did you mean head.temperature"),
        ("head.temperature", -1.0, "head.temperature"),
        ("data.batch_size", 64, "cannot change while the run goes"),
        ("stages.1.schedule", "cosine", "cannot change while the run goes"),
        ("stages.7.head_lr", 1e-3, "no stage 7"),
    ],
)
def test_a_change_that_cannot_be_is_refused_with_its_reason(key: str, value: object, reason: str) -> None:
    live = LiveSettings(tiny())
    with pytest.raises(ConfigError, match=reason):
        live.change({key: value})
    assert live.config == tiny()


def test_all_changes_of_a_request_are_refused_together_and_every_problem_is_listed() -> None:
    live = LiveSettings(tiny())
    with pytest.raises(ConfigError) as refused:
        live.change({"head.scale": 8.0, "head.margin_rad": 9.0, "data.batch_size": 64, "head.sclae": 1.0})
    assert len(refused.value.problems) == 3
    assert live.config == tiny()


def test_values_may_come_as_text() -> None:
    live = LiveSettings(tiny())
    live.change({"head.centre": "true", "head.scale": "24"})
    assert (live.head.centre, live.head.scale) == (True, 24.0)


def test_several_settings_take_effect_in_the_step_that_the_answer_names(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    script = set_at(5, head__temperature=2.0, head__scale=24.0, head__centre=True, head__margin_rad=0.3)
    events = events_of(tiny(), tmp_path, controls=script)
    handled = of(ControlHandled, events)[0]
    assert (handled.command_id, handled.step, handled.outcome) == (1, 5, "applied")
    assert handled.previous == {
        "head.temperature": 1.0,
        "head.scale": 16.0,
        "head.centre": False,
        "head.margin_rad": 0.1,
    }
    batches, before = by_step(events), by_step(whole_run)
    assert batches[4].scalars["temperature"] == 1.0
    in_force = {"temperature": 2.0, "scale": 24.0, "centre": 1.0, "margin_rad": 0.3}
    assert {name: batches[5].scalars[name] for name in in_force} == in_force
    assert batches[4].scalars["loss"] == before[4].scalars["loss"]
    assert batches[5].scalars["loss"] != before[5].scalars["loss"]


def test_the_temperature_rescales_the_logits_of_its_first_step_and_predicts_the_same(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    hot = by_step(events_of(tiny(), tmp_path, controls=set_at(5, head__temperature=4.0)))[5]
    cold = by_step(whole_run)[5]
    assert hot.scalars["logit_std_samples"] == pytest.approx(cold.scalars["logit_std_samples"] / 4, rel=1e-5)
    assert hot.predicted_B.tolist() == cold.predicted_B.tolist()


def test_a_new_peak_learning_rate_is_followed_by_the_schedule(tmp_path: Path, whole_run: list[Event]) -> None:
    events = by_step(events_of(tiny(), tmp_path, controls=set_at(6, stages__0__head_lr=2e-2)))
    before = by_step(whole_run)
    assert events[5].scalars["lr_head"] == before[5].scalars["lr_head"]
    for step in range(6, 13):
        assert events[step].scalars["lr_head"] == pytest.approx(2 * before[step].scalars["lr_head"])


def test_a_setting_of_a_later_stage_waits_for_it(tmp_path: Path, whole_run: list[Event]) -> None:
    events = by_step(events_of(tiny(), tmp_path, controls=set_at(2, stages__1__backbone_lr=2e-4)))
    before = by_step(whole_run)
    assert events[12].scalars["loss"] == before[12].scalars["loss"]
    assert events[13].scalars["lr_backbone"] == pytest.approx(2 * before[13].scalars["lr_backbone"])


def test_a_refused_change_leaves_the_run_as_it_was(tmp_path: Path, whole_run: list[Event]) -> None:
    events = events_of(tiny(), tmp_path, controls=set_at(5, head__temperature=0.0, head__scale=20.0))
    handled = of(ControlHandled, events)[0]
    assert (handled.outcome, handled.step) == ("refused", 5)
    assert "head.temperature" in handled.reason
    assert by_step(events)[5].scalars["loss"] == by_step(whole_run)[5].scalars["loss"]


def test_a_paused_run_waits_takes_changes_and_goes_on(tmp_path: Path, whole_run: list[Event]) -> None:
    script = Script(
        {4: [ControlRequest(1, "pause")]},
        while_paused=[
            (),
            [ControlRequest(2, "set", {"head.temperature": 2.0})],
            [ControlRequest(3, "resume")],
        ],
    )
    events = events_of(tiny(), tmp_path, controls=script)
    assert [(one.step, one.paused) for one in of(PauseChanged, events)] == [(3, True), (3, False)]
    assert [one.command_id for one in of(ControlHandled, events)] == [1, 2, 3]
    pause = events.index(of(PauseChanged, events)[0])
    assert [one.step for one in of(BatchDone, events[:pause])] == [1, 2, 3]
    assert by_step(events)[4].scalars["temperature"] == 2.0
    assert len(of(BatchDone, events)) == len(of(BatchDone, whole_run))


def test_a_paused_run_can_be_stopped(tmp_path: Path) -> None:
    script = Script({4: [ControlRequest(1, "pause")]}, while_paused=[[ControlRequest(2, "stop")]])
    events = events_of(tiny(), tmp_path, controls=script)
    assert of(RunEnded, events)[0] == RunEnded(3, "stopped", {})


def test_pausing_twice_is_answered_twice_and_told_once(tmp_path: Path) -> None:
    script = Script(
        {4: [ControlRequest(1, "pause"), ControlRequest(2, "pause")]},
        while_paused=[[ControlRequest(3, "stop")]],
    )
    events = events_of(tiny(), tmp_path, controls=script)
    assert len(of(PauseChanged, events)) == 1
    assert [one.command_id for one in of(ControlHandled, events)] == [1, 2, 3]


def test_a_checkpoint_on_request_is_written_at_once_and_kept(tmp_path: Path) -> None:
    script = Script({3: [ControlRequest(5, "checkpoint")], 6: [ControlRequest(6, "stop")]})
    events = events_of(tiny(), tmp_path, controls=script)
    saved = next(one for one in of(CheckpointSaved, events) if one.kind == "manual")
    assert saved.step == 2
    assert (tmp_path / "run" / saved.path).stat().st_size == saved.size_bytes
    assert of(ControlHandled, events)[0].outcome == "applied"


@dataclass
class Impatient:
    """Asks for everything at once, as soon as the validation is under way."""

    requests: tuple[ControlRequest, ...] = (
        ControlRequest(1, "checkpoint"),
        ControlRequest(2, "set", {"head.temperature": 2.0}),
        ControlRequest(3, "stop"),
    )
    validating: bool = False
    asked: bool = False

    def poll(self, next_step: int) -> Sequence[ControlRequest]:
        if not self.validating or self.asked:
            return ()
        self.asked = True
        return self.requests

    def wait(self, timeout_s: float) -> None:
        raise AssertionError("nobody paused")


def test_during_a_validation_settings_change_at_once_and_the_rest_waits_for_the_next_step(
    tmp_path: Path,
) -> None:
    controls = Impatient()
    events: list[Event] = []
    for event in started(tiny(), tmp_path, controls=controls):
        events.append(event)
        controls.validating |= isinstance(event, Progress) and event.what == "Embedding validation images"
    assert [one.command_id for one in of(ControlHandled, events)] == [2, 1, 3]
    changed, saved, _ = of(ControlHandled, events)
    validated = next(one for one in of(SignalsMeasured, events) if "val_top1" in one.scalars)
    assert events.index(changed) < events.index(validated) < events.index(saved)
    assert [one.kind for one in of(CheckpointSaved, events)] == [*("first", "last", "best", "manual", "last")]
    assert of(RunEnded, events)[0] == RunEnded(6, "stopped", {})


def asked_while_validating(home: Path, *requests: ControlRequest, after_step: int = 6) -> list[Event]:
    """A run that gets requests during the validation that comes after a step."""
    controls = Impatient(requests)
    events: list[Event] = []
    for event in started(tiny(), home, controls=controls):
        events.append(event)
        validates = isinstance(event, Progress) and event.what == "Embedding validation images"
        controls.validating |= validates and len(by_step(events)) == after_step
    assert controls.asked
    return events


def test_what_was_in_force_before_a_change_is_told_right_while_a_gradual_one_waits(tmp_path: Path) -> None:
    gradual = ControlRequest(1, "set", {"head.scale": 8.0}, {"over_steps": 100})
    at_once = ControlRequest(2, "set", {"head.scale": 20.0})
    events = asked_while_validating(tmp_path, gradual, at_once, ControlRequest(3, "stop"))
    assert [dict(one.previous) for one in of(ControlHandled, events)] == [*[{"head.scale": 16.0}] * 2, {}]


def test_no_step_is_promised_to_a_change_behind_a_rewind(tmp_path: Path) -> None:
    back = ControlRequest(1, "rewind", options={"to_step": 0})
    events = asked_while_validating(tmp_path, back, ControlRequest(2, "set", {"head.temperature": 2.0}))
    assert [(one.command_id, one.step) for one in of(ControlHandled, events)] == [(1, 7), (2, 1)]
    assert by_step(events)[1].scalars["temperature"] == 2.0


def test_a_change_that_no_step_is_left_for_is_not_told_to_be_in_force(tmp_path: Path) -> None:
    late = ControlRequest(1, "set", {"head.temperature": 2.0})
    assert of(ControlHandled, asked_while_validating(tmp_path, late, after_step=24)) == []


def test_a_stop_is_heard_while_embeddings_are_still_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Embedder, "chunk", 8)
    events = events_of(tiny(), tmp_path, controls=stop_at(1))
    assert len([one for one in of(Progress, events) if one.what == "Embedding training images"]) == 1
    assert of(RunEnded, events)[0] == RunEnded(0, "stopped", {})
