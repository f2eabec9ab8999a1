"""One run through the engine, watched as the worker watches it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.case import Case, Finding
from edgeft_core.diagnostics.diagnosis import diagnose
from edgeft_core.diagnostics.observer import Observer
from edgeft_core.diagnostics.status import Status
from edgeft_core.engine import train
from edgeft_core.errors import EdgeFTError, NonFiniteError
from edgeft_core.events import BatchDone, ControlRequest, Event

HARMLESS: frozenset[Status] = frozenset({"learning", "healthy"})


class Script:
    """Live commands of one run: a change before some step, and a stop.

    Attributes:
        done: steps that were taken; whoever reads the events keeps it up to date.
    """

    def __init__(self, stop_after: int, changes: Mapping[str, Any] | None = None, at: int = 0) -> None:
        self._stop_after = stop_after
        self._changes = dict(changes or {})
        self._at = at
        self.done = 0

    def poll(self) -> Sequence[ControlRequest]:
        if self.done >= self._stop_after:
            return (ControlRequest(2, "stop"),)
        if self._changes and self.done >= self._at:
            changes, self._changes = self._changes, {}
            return (ControlRequest(1, "set", changes),)
        return ()

    def wait(self, timeout_s: float) -> None:
        time.sleep(timeout_s)


@dataclass
class Watched:
    """What was said about a run while it went.

    Attributes:
        alarm_step, alarm_s: of the first verdict that is not harmless, None where none came; seconds of processor
            time since the first event.
        alarm: that verdict.
        alarm_causes: what was thought to be behind it then, likeliest first.
        heard: every verdict in order.
    """

    observer: Observer
    alarm_step: int | None = None
    alarm_s: float | None = None
    alarm: str = ""
    alarm_causes: list[tuple[str, float]] = field(default_factory=list)
    heard: list[tuple[int, str]] = field(default_factory=list)

    def look(self, step: int, took_s: float) -> None:
        """Take note of the verdict, if it is new."""
        status = self.observer.verdict.status
        if self.heard and self.heard[-1][1] == status:
            return
        self.heard.append((step, status))
        if self.alarm_step is None and status not in HARMLESS:
            self.alarm_step, self.alarm_s, self.alarm = step, round(took_s, 2), status
            self.alarm_causes = ranked(self.observer.case())


@dataclass
class Ran:
    """A run that ended.

    Attributes:
        watched: with what the checks before the training found, and without it.
        error: why it failed; empty otherwise.
    """

    plain: Watched
    informed: Watched
    steps: int = 0
    took_s: float = 0.0
    error: str = ""


def run(
    config: RunConfig, folder: Path, cache: Path, script: Script, findings: Sequence[Finding] = ()
) -> Ran:
    """Train as the worker does, and follow what two observers say."""
    folder.mkdir(parents=True)
    ran = Ran(Watched(Observer("run", config)), Watched(Observer("run", config, findings=findings)))
    began = time.process_time()
    try:
        for event in train(config, folder=folder, cache=cache, controls=script):
            _take(event, ran, script, time.process_time() - began)
    except Exception as error:  # as in the worker: a failed run is a result
        _failed(ran, error)
    ran.took_s = round(time.process_time() - began, 2)
    for watched in (ran.plain, ran.informed):
        watched.look(ran.steps, ran.took_s)
    return ran


def _take(event: Event, ran: Ran, script: Script, took_s: float) -> None:
    if isinstance(event, BatchDone):
        script.done = ran.steps = event.step
    for watched in (ran.plain, ran.informed):
        watched.observer.observe(event)
        if isinstance(event, BatchDone):
            watched.look(event.step, took_s)


def _failed(ran: Ran, error: Exception) -> None:
    text = f"Unexpected {type(error).__name__}: {error}. The worker's log tells more."
    ran.error = str(error) if isinstance(error, EdgeFTError) else text
    for watched in (ran.plain, ran.informed):
        watched.observer.failed(ran.error, nonfinite=isinstance(error, NonFiniteError))


def ranked(case: Case) -> list[tuple[str, float]]:
    """Causes with their confidence, likeliest first."""
    return [(one.id, round(one.confidence, 3)) for one in diagnose(case).causes[:6]]
