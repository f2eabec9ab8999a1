"""The verdict's vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Status = Literal["healthy", "learning", "watch", "collapsed", "stalled", "diverged"]
STATUSES: tuple[Status, ...] = get_args(Status)
BAD: frozenset[Status] = frozenset({"collapsed", "stalled", "diverged"})
"""Verdicts that a banner announces."""


@dataclass(frozen=True)
class Verdict:
    """Attributes:
    status: one of ``STATUSES``.
    since_step: the step from which on it holds.
    reasons: what was seen, in sentences with numbers and what to compare them with.
    """

    status: Status = "learning"
    since_step: int = 0
    reasons: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"status": self.status, "since_step": self.since_step, "reasons": list(self.reasons)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Verdict:
        """The reverse of :meth:`as_dict`; an unknown status, of a newer version, reads as learning."""
        status: Status = data["status"] if data.get("status") in STATUSES else "learning"
        reasons = tuple(str(one) for one in data.get("reasons") or ())
        return Verdict(status, int(data.get("since_step") or 0), reasons)
