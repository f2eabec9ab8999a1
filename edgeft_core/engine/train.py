"""The training loop: one pass over the stages of a config, told as events."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

from edgeft_core.config import RunConfig
from edgeft_core.engine.controls import Controls
from edgeft_core.engine.crew import Crew
from edgeft_core.engine.ending import final_test
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.memory import memory_explained
from edgeft_core.engine.preparation import prepare, prepared
from edgeft_core.engine.resumption import resumed
from edgeft_core.engine.session import Session
from edgeft_core.errors import NonFiniteError
from edgeft_core.events import Event, Past, RunEnded


def train(
    config: RunConfig,
    *,
    folder: Path,
    cache: Path,
    controls: Controls,
    resume: bool = False,
    past: Past | None = None,
) -> Iterator[Event]:
    """Train as ``config`` says and yield what happens, in order.

    The same config gives the same numbers on CPU (speed and memory aside), also when the run was stopped or
    killed in between and resumed.

    Args:
        folder: the run's folder; checkpoints go to ``folder/checkpoints``.
        cache: for drawn images and embeddings, shared between runs; may be deleted at any time.
        controls: where live commands come from.
        resume: go on from ``folder/checkpoints/last.pt``, from the start where there is none.
        past: what the journal tells of the run that goes on; a checkpoint that tells otherwise is passed over.

    Raises:
        RequestError: the config asks for data, weights or a device that cannot be had.
        NonFiniteError: NaN or infinity appeared; says where. The update was not made.
        OutOfMemoryError: says which batch size would fit.
    """
    session = yield from prepare(config, folder=folder, cache=cache)
    yield from train_session(session, controls, resume=resume, past=past)


def train_session(
    session: Session, controls: Controls, *, resume: bool = False, past: Past | None = None
) -> Iterator[Event]:
    """:func:`train` from a session that was prepared already."""
    crew = Crew(session, controls)
    with crew, memory_explained(session, crew.current_leg):
        yield from resumed(session, crew, resume, past)
        yield prepared(session)
        yield from session.opening_notices()
        while (leg := crew.next_leg()) is not None:
            yield leg.started()
            yield from crew.settle_in(leg)
            while not (leg.over or leg.left):
                whole = yield from _epoch(leg, crew)
                if crew.stop:
                    yield from crew.stopped(leg)
                    return
                if whole:
                    yield from crew.after_epoch(leg)
            if leg.left:
                continue
            yield leg.ended()
            session.position.enter(leg.index + 1)
        scalars = yield from final_test(session)
        yield RunEnded(session.position.step, "finished", scalars)


def _epoch(leg: Leg, crew: Crew) -> Generator[Event, None, bool]:
    """Steps until the epoch is over; False where a command asked to stop, or for other batches, before that."""
    position, turns = leg.session.position, leg.turns
    for item in leg.feed.epoch(position.epoch, position.batch):
        if not isinstance(item, StepBatch):
            yield from crew.between_steps(leg)
            yield item
            if crew.stop or leg.turns != turns:
                return False
            continue
        yield from crew.before_step(leg, item)
        if crew.stop or leg.turns != turns:
            return False
        try:
            taken = leg.step(item)
        except NonFiniteError:
            yield from crew.last_words(leg)
            raise
        yield from crew.after_step(leg, item, taken)
    position.next_epoch()
    return True
