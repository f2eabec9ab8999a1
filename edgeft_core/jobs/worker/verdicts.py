"""The verdict beside the recording: what goes wrong here is logged once and never reaches the training."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeft_core.diagnostics.kept import read_findings
from edgeft_core.diagnostics.observer import Observer
from edgeft_core.diagnostics.status import STATUSES, Verdict
from edgeft_core.events import Event
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pronounced:
    """A verdict that differs from the one before, as it is stored.

    Attributes:
        cause: id of the likeliest cause, empty where there is none; confidence: of it.
        is_new: whether the verdict itself changed, and not only what is likely to cause it.
    """

    verdict: Verdict
    cause: str
    confidence: float
    is_new: bool

    @property
    def told(self) -> tuple[str, int]:
        """Status, and since which step."""
        return self.verdict.status, self.verdict.since_step

    @property
    def data(self) -> dict[str, Any]:
        """What goes into the run's history."""
        return {
            "reasons": list(self.verdict.reasons),
            "cause": self.cause or None,
            "confidence": round(self.confidence, 3) if self.cause else None,
        }

    @property
    def summary(self) -> dict[str, Any]:
        """What goes into the run's summary."""
        return {
            "verdict": self.verdict.status,
            "verdict_since": self.verdict.since_step,
            "verdict_reasons": list(self.verdict.reasons),
            "verdict_cause": self.cause or None,
            "verdict_confidence": round(self.confidence, 3) if self.cause else None,
        }


class Verdicts:
    """Watches one run's events on the recorder's thread."""

    def __init__(self, home: Home, run: RunRecord) -> None:
        self._broken = False
        self._told: tuple[str, int, str] | None = None
        self._observer: Observer | None = None
        try:
            findings = read_findings(home.run_folder(run.id))
            self._observer = Observer(run.id, run.config, before=verdict_in(run.summary), findings=findings)
        except Exception:
            self._give_up()

    def observe(self, event: Event) -> Pronounced | None:
        """Take in one event; the verdict, if it or its likeliest cause is new."""
        if self._observer is None or self._broken:
            return None
        try:
            self._observer.observe(event)
            return self._news()
        except Exception:
            self._give_up()
            return None

    def failed(self, error: str, *, nonfinite: bool) -> Pronounced | None:
        """The run ended with an error."""
        if self._observer is None or self._broken:
            return None
        try:
            self._observer.failed(error, nonfinite=nonfinite)
            return self._news()
        except Exception:
            self._give_up()
            return None

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks for the verdict now: the numbers move on while it stays. Empty before the first."""
        return self._observer.verdict.reasons if self._observer and self._told and not self._broken else ()

    def _news(self) -> Pronounced | None:
        assert self._observer is not None
        verdict, likely = self._observer.verdict, self._observer.likely
        cause = likely.id if likely else ""
        told, before = (verdict.status, verdict.since_step, cause), self._told
        if told == before:
            return None
        self._told = told
        is_new = before is None or told[:2] != before[:2]
        return Pronounced(verdict, cause, likely.confidence if likely else 0.0, is_new)

    def _give_up(self) -> None:
        log.exception("the verdict is not followed any more; training and recording go on")
        self._broken = True


def verdict_in(summary: Mapping[str, Any]) -> Verdict | None:
    """The verdict that a run's summary holds; None where it holds none."""
    status = summary.get("verdict")
    if status not in STATUSES:
        return None
    reasons = tuple(str(one) for one in summary.get("verdict_reasons") or ())
    return Verdict(status, int(summary.get("verdict_since") or 0), reasons)
