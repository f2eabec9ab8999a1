"""Sweeps small enough for a test, and the same heads trained alone by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeft_core.config import RunConfig
from edgeft_core.engine import NoControls
from edgeft_core.events import Event, SweepMeasured
from edgeft_core.labs.sweep.axes import parse_axis
from edgeft_core.labs.sweep.base import with_sweep
from edgeft_core.labs.sweep.training import train_heads
from tests.engine.runs import tiny


def small_sweep(*axes: str, draws: int = 0, epochs: int = 0, **changes: object) -> RunConfig:
    """A sweep over the drawn people of ``tests.engine.runs.tiny``; ``__`` in a key is a dot."""
    return with_sweep(tiny(**changes), [parse_axis(axis) for axis in axes], draws=draws, epochs=epochs)


def events_of(config: RunConfig, folder: Path) -> list[Event]:
    """A sweep from start to end."""
    folder.mkdir(parents=True, exist_ok=True)
    return list(train_heads(config, folder=folder, cache=folder.parent / "cache", controls=NoControls()))


def measured(events: Sequence[Event]) -> list[SweepMeasured]:
    return [event for event in events if isinstance(event, SweepMeasured)]
