"""A prepared session and its first stage, for tests that look inside one."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

from edgeft_core.config import RunConfig
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.preparation import prepare
from edgeft_core.engine.session import Session
from edgeft_core.events import Event

T = TypeVar("T")


def drained(work: Generator[Event, None, T]) -> tuple[list[Event], T]:
    """The events and the result of a generator."""
    events = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as done:
            return events, done.value


def session_of(config: RunConfig, home: Path) -> Session:
    return drained(prepare(config, folder=home / "run", cache=home / "cache"))[1]


def batches_of(leg: Leg, epoch: int = 0) -> list[StepBatch]:
    return [item for item in leg.feed.epoch(epoch, 0) if isinstance(item, StepBatch)]
