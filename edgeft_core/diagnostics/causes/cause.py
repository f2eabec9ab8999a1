"""What a named cause consists of, and how evidence adds up to a confidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case, Level

FINDING_WEIGHT: Mapping[Level, float] = {"blocking": 0.8, "warning": 0.5, "info": 0.15}
"""What a finding from before the training adds to the cause that it names."""
_LOOKED_AT = frozenset({"images"})  # says how much was looked at, not what was found


@dataclass(frozen=True)
class Evidence:
    """One number beside what it is compared with.

    Attributes:
        signal: name of a signal, a setting, or ``probe.value``.
        reference: what a healthy run would show, or the limit; None where there is none.
        text: the sentence for people.
    """

    signal: str
    value: float | None
    reference: float | None
    text: str

    def as_dict(self) -> dict[str, Any]:
        return {"signal": self.signal, "value": self.value, "reference": self.reference, "text": self.text}


@dataclass(frozen=True)
class Fix:
    """What to change.

    Attributes:
        live: settings that can change while the run goes.
        restart: settings that need a new run (or a fork of a checkpoint).
        rewind: go back to a checkpoint from before the trouble; what has collapsed does not come back by itself.
        text: what to do, in a sentence or two.
    """

    text: str
    live: Mapping[str, Any] = field(default_factory=dict)
    restart: Mapping[str, Any] = field(default_factory=dict)
    rewind: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "live": dict(self.live),
            "restart": dict(self.restart),
            "rewind": self.rewind,
            "text": self.text,
        }


@dataclass(frozen=True)
class Cause:
    """One explanation of what is seen.

    Attributes:
        id: a key of ``CAUSES``: the public vocabulary.
        confidence: 0 to 1.
        meaning: what it means for this model, in plain words.
        doubt: why it might be a false alarm.
    """

    id: str
    confidence: float
    evidence: tuple[Evidence, ...]
    meaning: str
    doubt: str
    fix: Fix

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "id": self.id,
            "confidence": round(self.confidence, 3),
            "evidence": [one.as_dict() for one in self.evidence],
            "meaning": self.meaning,
            "doubt": self.doubt,
            "fix": self.fix.as_dict(),
        }


class Weighing:
    """Collects what speaks for and against a cause.

    Evidence for it adds up like independent witnesses, 1 - prod(1 - weight); what speaks against it scales the
    result by 1 - weight.
    """

    def __init__(self, cause: str, case: Case) -> None:
        self._cause = cause
        self._evidence: list[Evidence] = []
        self._doubts: list[str] = []
        self._unconvinced = 1.0
        self._factor = 1.0
        for finding in case.findings_for(cause):
            measured = ((name, value) for name, value in finding.values.items() if name not in _LOOKED_AT)
            name, number = next(measured, ("", None))
            signal = f"{finding.check}.{name}" if name else finding.check
            self.supports(FINDING_WEIGHT[finding.level], signal, number, None, finding.text)

    def supports(
        self, weight: float, signal: str, value: float | None, reference: float | None, text: str
    ) -> None:
        """``weight`` alone would be the confidence that this evidence gives."""
        self._unconvinced *= 1.0 - min(max(weight, 0.0), 1.0)
        self._evidence.append(Evidence(signal, value, reference, text))

    def doubts(self, weight: float, text: str) -> None:
        """Something that a run with this cause would hardly show."""
        self._factor *= 1.0 - min(max(weight, 0.0), 1.0)
        self._doubts.append(text)

    @property
    def empty(self) -> bool:
        """Whether nothing speaks for the cause."""
        return not self._evidence

    @property
    def confidence(self) -> float:
        return min(limit.MOST_CONFIDENCE, 1.0 - self._unconvinced) * self._factor

    def cause(self, *, meaning: str, doubt: str, fix: Fix) -> Cause | None:
        """The cause, or None where nothing speaks for it."""
        if self.empty:
            return None
        told = " ".join((*self._doubts, doubt))
        return Cause(self._cause, self.confidence, tuple(self._evidence), meaning, told, fix)
