"""How a run is doing, in one word, with since when and why. Plain data: loads without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

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
