"""What the engine yielded, kept on disk: rules that change can be asked again without training again.

A run is deterministic on a CPU, so what an observer says about a recording is what it would have said beside the run.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from edgeft_core.config import RunConfig
from edgeft_core.engine import train
from edgeft_core.errors import EdgeFTError, NonFiniteError
from edgeft_core.events import BatchDone, CheckpointSaved, ControlRequest, Event, Progress, SamplesTaken

T = TypeVar("T")

UNHEARD = (Progress, SamplesTaken, CheckpointSaved)
"""Events that no observer listens to."""


class Script:
    """Live commands of one run: a change after some step, and a stop."""

    def __init__(self, stop_after: int, changes: Mapping[str, Any] | None = None, at: int = 0) -> None:
        self._stop_after = stop_after
        self._changes = dict(changes or {})
        self._at = at

    def poll(self, next_step: int) -> Sequence[ControlRequest]:
        done = next_step - 1
        if done >= self._stop_after:
            return (ControlRequest(2, "stop"),)
        if self._changes and done >= self._at:
            changes, self._changes = self._changes, {}
            return (ControlRequest(1, "set", changes),)
        return ()

    def wait(self, timeout_s: float) -> None:
        time.sleep(timeout_s)


@dataclass
class Recording:
    """A run that ended.

    Attributes:
        heard: events with the seconds of processor time since the beginning.
        error: why it failed, in the words that the catalog would hold; empty otherwise.
    """

    config: RunConfig
    heard: list[tuple[Event, float]] = field(default_factory=list)
    steps: int = 0
    took_s: float = 0.0
    error: str = ""
    nonfinite: bool = False


def record(config: RunConfig, folder: Path, cache: Path, script: Script) -> Recording:
    """Train as the worker does."""
    folder.mkdir(parents=True)
    recording, began = Recording(config), time.process_time()
    try:
        for event in train(config, folder=folder, cache=cache, controls=script):
            if isinstance(event, BatchDone):
                recording.steps = event.step
            if not isinstance(event, UNHEARD):
                recording.heard.append((event, time.process_time() - began))
    except Exception as error:  # as in the worker: a failed run is a result
        text = f"Unexpected {type(error).__name__}: {error}. The worker's log tells more."
        recording.error = str(error) if isinstance(error, EdgeFTError) else text
        recording.nonfinite = isinstance(error, NonFiniteError)
    recording.took_s = round(time.process_time() - began, 2)
    return recording


def kept(path: Path, make: Callable[[], T]) -> T:
    """What lies at ``path``; made and laid there where nothing does. Only this suite's own files are read so."""
    if path.exists():
        found: T = pickle.loads(path.read_bytes())
        return found
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(pickle.dumps(made))
    beside.replace(path)
    return made
