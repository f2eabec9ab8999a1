"""What an observer says about a recorded run, as the worker would have kept it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.faults.recording import Recording
from edgeft_core.diagnostics.case import Case, Finding
from edgeft_core.diagnostics.diagnosis import diagnose
from edgeft_core.diagnostics.observer import Observer
from edgeft_core.diagnostics.status import Status
from edgeft_core.events import BatchDone

HARMLESS: frozenset[Status] = frozenset({"learning", "healthy"})


@dataclass
class Heard:
    """What was said about a run while it went.

    Attributes:
        alarm: the first verdict that is not harmless; empty where none came.
        alarm_step, alarm_s: of it; seconds of processor time since the first event.
        alarm_causes: what was thought to be behind it then, likeliest first.
        verdicts: every verdict in order, with its step.
        case: all that was known at the end.
    """

    case: Case
    status: Status
    alarm: str = ""
    alarm_step: int | None = None
    alarm_s: float | None = None
    alarm_causes: list[tuple[str, float]] = field(default_factory=list)
    verdicts: list[tuple[int, str]] = field(default_factory=list)


def hear(recording: Recording, findings: Sequence[Finding] = ()) -> Heard:
    """Play a recording to an observer."""
    observer = Observer("run", recording.config, findings=findings)
    heard = Heard(observer.case(), observer.verdict.status)
    for event, took_s in recording.heard:
        observer.observe(event)
        if isinstance(event, BatchDone):
            _look(observer, heard, event.step, took_s)
    if recording.error:
        observer.failed(recording.error, nonfinite=recording.nonfinite)
    _look(observer, heard, recording.steps, recording.took_s)
    heard.case, heard.status = observer.case(), observer.verdict.status
    return heard


def _look(observer: Observer, heard: Heard, step: int, took_s: float) -> None:
    """Take note of the verdict, if it is new."""
    status = observer.verdict.status
    if heard.verdicts and heard.verdicts[-1][1] == status:
        return
    heard.verdicts.append((step, status))
    if heard.alarm_step is None and status not in HARMLESS:
        heard.alarm, heard.alarm_step, heard.alarm_s = status, step, round(took_s, 2)
        heard.alarm_causes = ranked(observer.case())


def ranked(case: Case) -> list[tuple[str, float]]:
    """Causes with their confidence, likeliest first."""
    return [(one.id, round(one.confidence, 3)) for one in diagnose(case).causes[:6]]
