"""Live changes of what is done next: the backbone frozen or not, epochs to go, validation, early stop; and ramps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgeft_core.engine.kept import path_of
from edgeft_core.events import (
    BatchDone,
    CheckpointSaved,
    ControlHandled,
    ControlRequest,
    Event,
    PlanChanged,
    Progress,
    SignalsMeasured,
    StageEnded,
)
from tests.engine.runs import Script, by_step, events_of, of, started, stop_at, story, tiny

FREEZE = {"stages.1.train_backbone": False}
THAW = {"stages.0.train_backbone": True, "stages.0.backbone_lr": 1e-4}


def scripted(at: dict[int, dict[str, Any]], *, over_steps: int = 0, stop: int | None = None) -> Script:
    """One ``set`` before each step; perhaps a stop."""
    options = {"over_steps": over_steps} if over_steps else {}
    requests = {step: [ControlRequest(step, "set", changes, options)] for step, changes in at.items()}
    return Script({**requests, **(stop_at(stop).at if stop else {})})


def losses(events: list[Event]) -> dict[int, float]:
    return {step: one.scalars["loss"] for step, one in by_step(events).items()}


def measured(events: list[Event]) -> list[object]:
    return story(event for event in events if isinstance(event, BatchDone | SignalsMeasured | StageEnded))


def last_sha(events: list[Event]) -> str:
    return [one.sha256 for one in of(CheckpointSaved, events) if one.kind == "last"][-1]


def test_a_backbone_thawed_inside_an_epoch_learns_from_that_step_on(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    events = events_of(tiny(), tmp_path, controls=scripted({4: THAW}))
    handled = of(ControlHandled, events)[0]
    assert (handled.outcome, handled.step) == ("applied", 4)
    assert handled.previous == {"stages.0.train_backbone": False, "stages.0.backbone_lr": 0.0}
    batches, before = by_step(events), by_step(whole_run)
    assert batches[3].scalars["loss"] == before[3].scalars["loss"]
    assert "grad_norm_backbone" not in batches[3].scalars
    assert batches[4].scalars["grad_norm_backbone"] > 0.0
    assert (
        batches[4].labels_B.tolist() == before[4].labels_B.tolist()
    )  # the same images come, in the same order
    assert sorted(batches) == sorted(before)


def test_thawing_without_a_learning_rate_is_refused_with_the_way_out(tmp_path: Path) -> None:
    events = events_of(tiny(), tmp_path, controls=scripted({4: {"stages.0.train_backbone": True}}, stop=5))
    handled = of(ControlHandled, events)[0]
    assert handled.outcome == "refused"
    assert "give backbone_lr a value" in handled.reason


def test_a_frozen_backbone_stays_as_it_is_and_the_head_keeps_its_optimiser(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    events = events_of(tiny(), tmp_path, controls=scripted({15: FREEZE}))
    batches, before = by_step(events), by_step(whole_run)
    assert batches[14].scalars["loss"] == before[14].scalars["loss"]
    assert "grad_norm_backbone" in batches[14].scalars
    assert "grad_norm_backbone" not in batches[15].scalars
    assert len(batches) == len(before)
    plan = of(PlanChanged, events)[0]
    assert (plan.step, plan.stages[1].train_backbone) == (14, False)


@pytest.mark.parametrize(("at", "changes"), [(4, THAW), (15, FREEZE)])
def test_freezing_and_thawing_survive_a_resume_digit_for_digit(
    tmp_path: Path, at: int, changes: dict[str, Any]
) -> None:
    whole = events_of(tiny(), tmp_path / "a", controls=scripted({at: changes}))
    first = events_of(tiny(), tmp_path / "b", controls=scripted({at: changes}, stop=at + 2))
    second = events_of(tiny(), tmp_path / "b", resume=True)
    assert measured([*first, *second]) == measured(whole)
    assert last_sha(second) == last_sha(whole)


def test_frozen_and_thawed_again_between_validations_the_new_embeddings_are_validated(tmp_path: Path) -> None:
    script = scripted({14: FREEZE, 15: {"stages.1.train_backbone": True}, 16: FREEZE})
    events = events_of(tiny(stages__1__backbone_lr=1e-2), tmp_path, controls=script)
    again = events_of(tiny(stages__1__backbone_lr=1e-2), tmp_path / "b", controls=scripted({14: FREEZE}))
    at_18 = [
        {step.step: step.scalars for step in of(SignalsMeasured, one) if "val_loss" in step.scalars}[18]
        for one in (events, again)
    ]
    assert at_18[0]["val_cos_different"] != at_18[1]["val_cos_different"]


def test_more_epochs_go_on_and_the_schedule_reaches_over_them(tmp_path: Path, whole_run: list[Event]) -> None:
    events = events_of(tiny(), tmp_path, controls=scripted({8: {"stages.0.epochs": 3}}))
    batches, before = by_step(events), by_step(whole_run)
    assert [one.step for one in of(StageEnded, events)] == [18, 30]
    assert batches[7].scalars["lr_head"] == before[7].scalars["lr_head"]
    assert batches[8].scalars["lr_head"] > before[8].scalars["lr_head"]
    assert of(PlanChanged, events)[0].steps_total == 30


def test_fewer_epochs_end_the_stage_after_the_one_under_way(tmp_path: Path) -> None:
    events = events_of(tiny(), tmp_path, controls=scripted({8: {"stages.1.epochs": 1}}))
    assert [one.step for one in of(StageEnded, events)] == [12, 18]


@pytest.mark.parametrize(
    ("step", "changes", "reason"),
    [
        (8, {"stages.0.epochs": 1}, "epoch 2 is under way"),
        (14, {"stages.0.epochs": 9}, "that stage is over"),
        (14, {"stages.0.train_backbone": True, "stages.0.backbone_lr": 1e-4}, "that stage is over"),
    ],
)
def test_what_is_over_cannot_be_changed(
    tmp_path: Path, step: int, changes: dict[str, Any], reason: str
) -> None:
    handled = of(ControlHandled, events_of(tiny(), tmp_path, controls=scripted({step: changes}, stop=16)))[0]
    assert (handled.outcome, handled.step) == ("refused", step)
    assert reason in handled.reason


def test_validation_interval_and_patience_follow_at_once(tmp_path: Path) -> None:
    config = tiny(stages__0__epochs=6, stages__0__head_lr=0.0)
    script = scripted({2: {"monitor.validate_every_epochs": 2}})
    validated = [
        one.step for one in of(SignalsMeasured, events_of(config, tmp_path, controls=script))
        if "val_top1" in one.scalars
    ]  # fmt: skip
    assert validated[:3] == [12, 24, 36]
    impatient = events_of(config, tmp_path / "b", controls=scripted({8: {"stages.0.patience_epochs": 1}}))
    ended = of(StageEnded, impatient)[0]
    assert (ended.step, ended.reason) == (12, "early_stop")


def test_head_and_backbone_decay_apart(tmp_path: Path, whole_run: list[Event]) -> None:
    decayed = events_of(tiny(), tmp_path, controls=scripted({15: {"stages.1.backbone_weight_decay": 1.0}}))
    head_only = events_of(tiny(), tmp_path / "b", controls=scripted({15: {"stages.1.weight_decay": 1.0}}))
    plain = losses(whole_run)
    assert losses(decayed)[15] == losses(head_only)[15] == plain[15]
    assert len({losses(decayed)[16], losses(head_only)[16], plain[16]}) == 3


def test_the_sr_hr_weight_acts_in_the_step_that_the_answer_names(tmp_path: Path) -> None:
    config = tiny(stages__1__contrastive_weight=0.0)
    events = events_of(config, tmp_path, controls=scripted({15: {"stages.1.contrastive_weight": 0.5}}))
    batches = by_step(events)
    assert "loss_contrastive" not in batches[14].scalars
    assert batches[15].scalars["loss_contrastive"] > 0.0


def test_a_ramp_moves_step_by_step_and_a_later_change_ends_it(tmp_path: Path) -> None:
    script = scripted({3: {"head.margin_rad": 0.5, "head.scale": 64.0}}, over_steps=4)
    script.at[5] = [ControlRequest(5, "set", {"head.scale": 20.0})]
    batches = by_step(events_of(tiny(), tmp_path, controls=script))
    margins = [batches[step].scalars["margin_rad"] for step in range(2, 9)]
    assert margins == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5])
    scales = [batches[step].scalars["scale"] for step in range(2, 7)]
    assert scales == pytest.approx([16.0, 16.0 * 4**0.25, 32.0, 20.0, 20.0])


def test_a_ramp_of_a_learning_rate_is_followed_by_the_schedule(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    script = scripted({5: {"stages.0.head_lr": 4e-2}}, over_steps=2)
    batches, before = by_step(events_of(tiny(), tmp_path, controls=script)), by_step(whole_run)
    factors = [batches[step].scalars["lr_head"] / before[step].scalars["lr_head"] for step in range(4, 8)]
    assert factors == pytest.approx([1.0, 2.0, 4.0, 4.0])


def test_a_ramp_goes_on_after_a_resume_as_if_nothing_had_happened(tmp_path: Path) -> None:
    change = {3: {"head.margin_rad": 0.7, "stages.1.head_lr": 1e-2}}
    whole = events_of(tiny(), tmp_path / "a", controls=scripted(change, over_steps=14))
    first = events_of(tiny(), tmp_path / "b", controls=scripted(change, over_steps=14, stop=9))
    second = events_of(tiny(), tmp_path / "b", resume=True)
    assert measured([*first, *second]) == measured(whole)
    assert last_sha(second) == last_sha(whole)


def test_a_fork_that_names_a_setting_ends_its_ramp_and_keeps_the_others(tmp_path: Path) -> None:
    change = {3: {"head.margin_rad": 0.5, "head.scale": 64.0}}
    events_of(tiny(), tmp_path, controls=scripted(change, over_steps=100, stop=5))
    assert path_of(tmp_path / "run", "last").exists()
    batches = by_step(events_of(tiny(head__margin_rad=0.3), tmp_path, resume=True))
    assert {one.scalars["margin_rad"] for one in batches.values()} == {0.3}
    assert batches[6].scalars["scale"] > batches[5].scalars["scale"] > 16.0


def test_what_cannot_move_gradually_is_refused_whole(tmp_path: Path) -> None:
    script = scripted({3: {"head.centre": True, "head.scale": 64.0}}, over_steps=4, stop=5)
    events = events_of(tiny(), tmp_path, controls=script)
    assert of(ControlHandled, events)[0].outcome == "refused"
    assert by_step(events)[4].scalars["scale"] == 16.0


@dataclass
class WhileValidating:
    """Asks for more epochs and another scale as soon as the first validation is under way."""

    validating: bool = False

    def poll(self, next_step: int) -> list[ControlRequest]:
        if not self.validating:
            return []
        self.validating = False
        return [
            ControlRequest(1, "set", {"stages.0.epochs": 3}),
            ControlRequest(2, "set", {"head.scale": 8.0}),
        ]

    def wait(self, timeout_s: float) -> None:
        raise AssertionError("nobody paused")


def test_changes_while_validating_take_effect_in_the_next_step_as_if_asked_for_then(tmp_path: Path) -> None:
    controls, asked = WhileValidating(), False
    events: list[Event] = []
    for event in started(tiny(), tmp_path / "a", controls=controls):
        events.append(event)
        if isinstance(event, Progress) and event.what == "Embedding validation images" and not asked:
            controls.validating = asked = True
    between = Script(
        {
            7: [
                ControlRequest(1, "set", {"stages.0.epochs": 3}),
                ControlRequest(2, "set", {"head.scale": 8.0}),
            ]
        }
    )
    assert measured(events) == measured(events_of(tiny(), tmp_path / "b", controls=between))
    assert sorted((one.command_id, one.step, one.outcome) for one in of(ControlHandled, events)) == [
        (1, 7, "applied"),
        (2, 7, "applied"),
    ]
