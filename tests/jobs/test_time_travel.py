"""Undo, rewind, replay and a killed worker, with real runs in real processes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from edgeft_core import jobs, queries
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.errors import RequestError, TransitionError
from edgeft_core.events import TakenBack
from edgeft_core.jobs import control
from edgeft_core.jobs.in_force import in_order, past_of, standing, to_undo, values_at, values_now
from edgeft_core.jobs.replaying import again, replay
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store import open_metrics_reader
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import CommandRecord, RunRecord
from tests.jobs.real_runs import endless, wait_for_state, wait_for_step

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
CLOCK = {"images_per_s", "device_memory_mib"}


def steered() -> RunConfig:
    """A long run with a ring that reaches far back, and no marks that would hang on the moment of a click."""
    return with_values(endless(), {"checkpoints.every_steps": 20, "checkpoints.keep": 100, "max_restarts": 0})


def numbers(home: Home, run_id: str) -> dict[str, list[float]]:
    """Every recorded series but those of the clock."""
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        keys = [key for key in reader.batch_keys() if key not in CLOCK]
        view = reader.tail(keys, 1_000_000)
        sparse = reader.sparse([key for key in reader.signal_keys() if key not in CLOCK], points=1_000_000)
    found = {key: np.nan_to_num(view.high[key], nan=-9.0).tolist() for key in keys}
    found |= {f"sparse {key}": np.nan_to_num(sparse.high[key], nan=-9.0).tolist() for key in sparse.high}
    return {**found, "step": view.step_V.tolist()}


def weights(home: Home, run_id: str) -> dict[str, Any]:
    path = home.run_folder(run_id) / "checkpoints" / "last.pt"
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def asked(command: CommandRecord) -> int:
    """The step at which it took effect."""
    assert command.outcome == "applied", command.reason
    assert command.step is not None
    return command.step


def stop(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    control.stop(home, run.id, wait_s=120)
    wait_for_state(catalog, run.id, RunState.STOPPED)


@pytest.mark.slow
def test_a_run_that_was_steered_killed_and_resumed_is_replayed_digit_for_digit(
    home: Home, catalog: SqlCatalog
) -> None:
    run = jobs.launch(home, steered(), name="original")
    wait_for_step(catalog, run.id, 25)
    asked(control.set_values(home, run.id, {"head.margin_rad": 0.4}, over_steps=60, wait_s=120))
    both = {"head.temperature": 2.0, "stages.0.head_lr": 5e-3}
    step = asked(control.set_values(home, run.id, both, wait_s=120))
    wait_for_step(catalog, run.id, step + 45)

    running = catalog.run(run.id)
    assert running.worker is not None
    psutil.Process(running.worker.pid).kill()
    wait_for_state(catalog, run.id, RunState.LOST)
    control.requeue(home, run.id)
    wait_for_state(catalog, run.id, RunState.RUNNING)

    taken_back = control.rewind(home, run.id, step + 5, wait_s=120)
    assert asked(taken_back) > step
    wait_for_step(catalog, run.id, step + 45)
    undone = control.undo(home, run.id, wait_s=120)
    assert undone.changes in ({"head.temperature": 1.0, "stages.0.head_lr": 3e-3}, {"head.margin_rad": 0.1})
    end = asked(control.set_values(home, run.id, {"head.centre": True}, wait_s=120))
    wait_for_step(catalog, run.id, end + 10)
    stop(home, catalog, run)

    again = replay(home, run.id)
    assert (again.name, again.parent_id) == ("original-replay", run.id)
    wait_for_state(catalog, again.id, RunState.STOPPED)
    told = [one for one in catalog.commands(again.id) if one.kind != "checkpoint"]
    assert [one.outcome for one in told] == ["applied"] * 6
    assert {one.requested_by for one in told} == {"replay of original"}
    mine, its = numbers(home, run.id), numbers(home, again.id)
    assert mine["step"] == list(range(1, len(mine["step"]) + 1))
    assert mine == its
    head, same_head = weights(home, run.id)["head"], weights(home, again.id)["head"]
    assert all(torch.equal(head[name], same_head[name]) for name in head)
    markers = queries.markers(home, run.id)
    assert [one.label for one in markers if one.label == "rewound"] == ["rewound"]


@pytest.mark.slow
def test_a_stopped_run_is_taken_back_by_way_of_the_queue(home: Home, catalog: SqlCatalog) -> None:
    run = jobs.launch(home, steered())
    wait_for_step(catalog, run.id, 50)
    stop(home, catalog, run)
    before = numbers(home, run.id)
    handled = control.rewind(home, run.id, 39, wait_s=120)
    assert handled.to_step == 20
    wait_for_step(catalog, run.id, 30)
    stop(home, catalog, run)
    after = numbers(home, run.id)
    n = min(len(before["loss"]), len(after["loss"]))
    assert before["loss"][:n] == after["loss"][:n]
    assert sorted(after["step"]) == list(range(1, len(after["step"]) + 1))


def command(number: int, kind: str, step: int, changes: dict[str, Any], **more: Any) -> CommandRecord:
    options = {key: more.pop(key) for key in ("to_step", "undoes", "over_steps") if key in more}
    values = {"outcome": "applied", "previous": {}, **more}
    return CommandRecord(number, "r", kind, changes, MOMENT, "test", step=step, options=options, **values)  # type: ignore[arg-type]


def test_undo_goes_back_one_change_at_a_time_and_a_rewind_counts() -> None:
    scale = command(1, "set", 5, {"head.scale": 8.0}, previous={"head.scale": 16.0})
    heat = command(2, "set", 9, {"head.temperature": 2.0}, previous={"head.temperature": 1.0})
    undone = command(3, "set", 12, {"head.temperature": 1.0}, previous={"head.temperature": 2.0}, undoes=2)
    assert to_undo([scale, heat]) == heat
    assert to_undo([scale, heat, undone]) == scale
    twice = command(4, "set", 13, {"head.scale": 16.0}, previous={"head.scale": 8.0}, undoes=1)
    assert to_undo([scale, heat, undone, twice]) is None
    back = command(5, "rewind", 20, {"head.temperature": 1.0}, to_step=7)
    assert to_undo([scale, heat, back]) == scale
    assert standing([scale, heat, back]) == [scale, back]
    assert values_now([scale, heat, back]) == {"head.scale": 8.0}


def test_between_two_rewinds_changes_count_in_the_order_of_their_steps() -> None:
    replayed = command(1, "set", 20, {"head.scale": 8.0})
    asked = command(2, "set", 9, {"head.scale": 4.0})
    back = command(3, "rewind", 25, {}, to_step=12)
    later = command(4, "set", 13, {"head.margin_rad": 0.5})
    assert in_order([replayed, asked]) == [asked, replayed]
    assert values_now([replayed, asked]) == {"head.scale": 8.0}
    assert standing([replayed, asked, back, later]) == [asked, back, later]
    assert past_of([replayed, asked, back, later]).rewinds == (TakenBack(3, 12, frozenset({1})),)
    assert [one.at_step for one in again([replayed, asked, back, later])] == [9, 20, 25, 13]


def test_a_rewind_into_a_gradual_change_comes_to_its_end_all_the_same() -> None:
    ramp = command(1, "set", 5, {"head.margin_rad": 0.6}, previous={"head.margin_rad": 0.2}, over_steps=20)
    back = command(2, "rewind", 20, {"head.margin_rad": 0.3}, to_step=9)
    assert values_now([ramp, back]) == {"head.margin_rad": 0.6}


def test_values_at_a_step_know_how_far_a_gradual_change_was() -> None:
    ramp = command(1, "set", 11, {"head.margin_rad": 0.6}, previous={"head.margin_rad": 0.2}, over_steps=4)
    values = [values_at(RunConfig(), [ramp], step).get("head.margin_rad") for step in (10, 11, 12, 14, 30)]
    assert values == [None, pytest.approx(0.3), pytest.approx(0.4), 0.6, 0.6]


def test_a_replay_repeats_what_took_effect_and_nothing_else() -> None:
    commands = [
        command(1, "set", 5, {"head.scale": 8.0}),
        command(2, "set", 6, {"head.scale": 9.0}, outcome="refused"),
        command(3, "pause", 7, {}),
        command(4, "rewind", 9, {"head.scale": 16.0}, to_step=4),
    ]
    requests = again(commands, stopped_at=20)
    assert [(one.kind, one.at_step) for one in requests] == [("set", 5), ("rewind", 9), ("stop", 21)]
    assert requests[1].changes == {}


def test_undo_and_rewind_say_why_not(home: Home, catalog: SqlCatalog) -> None:
    run = catalog.add_run("r1", "waiting", RunConfig())
    with pytest.raises(TransitionError, match="has no change that could be taken back"):
        control.undo(home, run.id)
    with pytest.raises(RequestError, match="has no checkpoint yet"):
        control.rewind(home, run.id, 5)
    control.set_values(home, run.id, {"head.scale": 8.0})
    with pytest.raises(TransitionError, match="still on its way"):
        control.undo(home, run.id)
