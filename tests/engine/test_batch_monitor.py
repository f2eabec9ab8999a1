"""Numbers that arrive late: what the device learns after the host has gone on, and steps that are told in groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from edgeft_core.diagnostics.signals import EMBEDDING_SIGNALS, EmbeddingView
from edgeft_core.engine.batch_monitor import FROZEN_EVERY, GROUP, BatchMonitor
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


def of_embeddings(scalars: Mapping[str, float]) -> list[float]:
    return [scalars[name] for name in EMBEDDING_SIGNALS]


@pytest.mark.parametrize("stop_after", [1, 5, FROZEN_EVERY, 21])
def test_frozen_embeddings_are_those_of_the_latest_batch_looked_at_also_after_a_resume(
    stop_after: int, home: Path
) -> None:
    leg = Leg(session_of(tiny(data__batch_size=2), home), 0)
    batches = batches_of(leg)
    assert len(batches) == 24
    told: list[Event] = []
    monitor = BatchMonitor(window_images=40, n_classes=12)
    for number, batch in enumerate(batches, 1):
        told += monitor.before_step(leg, batch)
        told += monitor.after_step(leg, batch, leg.step(batch))
        if number == stop_after:
            told += monitor.flush(leg)
            state, monitor = monitor.state(), BatchMonitor(window_images=40, n_classes=12)
            monitor.load(state)
    told += monitor.flush(leg)
    leg.close()
    steps = [one.scalars for one in told if isinstance(one, BatchDone)]
    assert len(steps) == 24
    for number, scalars in enumerate(steps):
        latest = batches[number // FROZEN_EVERY * FROZEN_EVERY]
        assert latest.emb_BD is not None
        view = EmbeddingView(latest.emb_BD, latest.labels_B)
        measured = [float(signal(view)) for signal in EMBEDDING_SIGNALS.values()]
        assert of_embeddings(scalars) == pytest.approx(measured, rel=1e-5)
    assert of_embeddings(steps[0]) != of_embeddings(steps[FROZEN_EVERY])


def test_embeddings_of_a_backbone_that_trains_are_looked_at_in_every_batch(home: Path) -> None:
    told = of(BatchDone, events_of(tiny(), home / "run"))
    trained = [tuple(of_embeddings(one.scalars)) for one in told if one.stage == 1]
    assert len(trained) == len(set(trained)) == 12


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
