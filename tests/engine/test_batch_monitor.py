"""Numbers that arrive late: what the device learns after the host has gone on, and steps that are told in groups."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from edgeft_core.engine.batch_monitor import GROUP, BatchMonitor
from edgeft_core.engine.embedder import Embedder
from edgeft_core.engine.leg import Leg
from edgeft_core.errors import NonFiniteError
from edgeft_core.events import BatchDone, Event, Progress
from tests.engine.runs import events_of, of, tiny
from tests.engine.sessions import batches_of, session_of


def monitored(leg: Leg, *, flush_every: int) -> list[Event]:
    """Ten steps of a stage on cached embeddings, flushed now and then."""
    monitor = BatchMonitor(window_images=40, n_classes=12)
    told: list[Event] = []
    batches = batches_of(leg)
    for number in range(10):
        batch = batches[number % len(batches)]
        told += monitor.before_step(leg, batch)
        told += monitor.after_step(leg, batch, leg.step(batch))
        if (number + 1) % flush_every == 0:
            told += monitor.flush(leg)
    return [*told, *monitor.flush(leg)]


def test_steps_are_told_the_same_whether_alone_or_in_groups_cut_anywhere(home: Path) -> None:
    def told(flush_every: int) -> list[tuple[int, dict[str, float]]]:
        leg = Leg(session_of(tiny(), home), 0)
        events = monitored(leg, flush_every=flush_every)
        leg.close()
        timed = {"images_per_s", "device_memory_mib"}
        return [
            (one.step, {name: value for name, value in one.scalars.items() if name not in timed})
            for one in events
            if isinstance(one, BatchDone)
        ]

    whole = told(10)
    assert [step for step, _ in whole] == list(range(1, 11))
    for cut in (1, 3, GROUP):
        assert told(cut) == whole


def test_a_step_that_turns_out_not_finite_later_ends_the_run_with_its_own_number_and_place(
    home: Path,
) -> None:
    leg = Leg(session_of(tiny(), home), 0)
    monitor = BatchMonitor(window_images=40, n_classes=12)
    first, second = batches_of(leg)[:2]
    list(monitor.before_step(leg, first))
    list(monitor.after_step(leg, first, leg.step(first)))
    assert isinstance(next(monitor.flush(leg)), BatchDone)
    taken = leg.step(second)
    late = dataclasses.replace(taken, finite=torch.zeros(()))
    with torch.no_grad():
        leg.session.head.weight[3, 0] = torch.nan
    with pytest.raises(NonFiniteError, match=r"Step 2 .*NaN in the weight head\.weight"):
        list(monitor.after_step(leg, second, late))
        list(monitor.flush(leg))
    leg.close()


def test_signals_that_have_no_value_are_left_out(home: Path) -> None:
    leg = Leg(session_of(tiny(), home), 0)
    batch = batches_of(leg)[0]
    assert batch.same_image_B is not None
    unmeasured = dataclasses.replace(batch, same_image_B=torch.full((8,), torch.nan))
    monitor = BatchMonitor(window_images=40, n_classes=12)
    list(monitor.before_step(leg, unmeasured))
    list(monitor.after_step(leg, unmeasured, leg.step(unmeasured)))
    done = next(monitor.flush(leg))
    assert isinstance(done, BatchDone)
    assert "cos_same_image" not in done.scalars
    leg.close()


def test_steps_are_told_before_the_next_images_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Embedder, "chunk", 8)
    events = events_of(tiny(stages__1__epochs=1), tmp_path)
    told = [event for event in events if isinstance(event, BatchDone | Progress)]
    steps_known = 0
    for event in told[: told.index(of(BatchDone, events)[2])]:
        if isinstance(event, BatchDone):
            steps_known = event.step
        elif event.what == "Embedding training images":
            assert event.done == 8 * steps_known
    assert steps_known == 2
