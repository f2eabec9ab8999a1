"""What a preflight found: plain data for the screen, the command line and the run's folder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from edgeft_core.diagnostics.case import Finding

Worst = Literal["blocking", "warning", "info", "ok"]
LEVELS: tuple[Worst, ...] = ("blocking", "warning", "info", "ok")
"""From worst to best."""


@dataclass(frozen=True)
class Passed:
    """A check that found nothing to mend, and what it saw.

    Attributes:
        check: the check's key, as in :class:`~edgeft_core.diagnostics.case.Finding`.
        text: what was seen, with numbers.
        values: numbers behind it.
    """

    check: str
    text: str
    values: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; NaN and infinity are left out."""
        values = {key: value for key, value in self.values.items() if math.isfinite(value)}
        return {"check": self.check, "text": self.text, "values": values}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Passed:
        """The reverse of :meth:`as_dict`."""
        values = {str(key): float(value) for key, value in dict(data.get("values") or {}).items()}
        return Passed(str(data["check"]), str(data.get("text") or ""), values)


@dataclass(frozen=True)
class PreflightReport:
    """Everything that was seen before training.

    Attributes:
        findings: what should be mended or known, worst first.
        passed: checks that found nothing.
        sampled: what was looked at in part only, in sentences.
        unchecked: what could not be checked, and why, in sentences.
        took_s: seconds.
        complete: False while the checks that need the network are still to come.
    """

    findings: tuple[Finding, ...] = ()
    passed: tuple[Passed, ...] = ()
    sampled: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    took_s: float = 0.0
    complete: bool = True

    @property
    def worst(self) -> Worst:
        """The worst level of any finding; ``ok`` without one."""
        return min((one.level for one in self.findings), key=LEVELS.index, default="ok")

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Findings that are asked about before a run starts."""
        return tuple(one for one in self.findings if one.level == "blocking")

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "worst": self.worst,
            "findings": [one.as_dict() for one in self.findings],
            "passed": [one.as_dict() for one in self.passed],
            "sampled": list(self.sampled),
            "unchecked": list(self.unchecked),
            "took_s": round(self.took_s, 3),
            "complete": self.complete,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> PreflightReport:
        """The reverse of :meth:`as_dict`."""
        return PreflightReport(
            findings=tuple(Finding.from_dict(one) for one in data.get("findings") or ()),
            passed=tuple(Passed.from_dict(one) for one in data.get("passed") or ()),
            sampled=tuple(str(one) for one in data.get("sampled") or ()),
            unchecked=tuple(str(one) for one in data.get("unchecked") or ()),
            took_s=float(data.get("took_s") or 0.0),
            complete=bool(data.get("complete", True)),
        )


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted by level; within a level in the order in which they were found."""
    return tuple(sorted(findings, key=lambda one: LEVELS.index(one.level)))


def listed(items: Sequence[str], shown: int = 3) -> str:
    """A few of the items, and how many more there are: ``a, b, c and 4 more``."""
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return ", ".join(items[:shown]) + more
