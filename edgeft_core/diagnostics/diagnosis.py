"""From a case to a ranked list of causes. Loads without torch."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import Any

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes import CAUSES, EXPLAINS, Cause
from edgeft_core.diagnostics.status import Verdict

log = logging.getLogger(__name__)

CERTAIN_AT_ONCE = frozenset(
    {
        "weights.missing",
        "weights.nonfinite",
        "input.range",
        "input.constant",
        "mode.train_eval",
        "head.not_training",
        "backbone.not_training",
        "labels.shuffled",
        "labels.split_mismatch",
        "labels.out_of_range",
        "sampling.single_class",
        "scale.too_low",
        "margin.too_large",
        "eval.margin",
        "numerics.nonfinite",
    }
)
"""Causes that are facts about data, weights, code or settings. The others (rates, embeddings, the head) show in how
the run goes, and there the verdict's own patience decides."""

SHOWN_AT_FIRST = 3
"""Screens show so many causes before they are asked for more."""


@dataclass(frozen=True)
class Diagnosis:
    """Attributes:
    causes: most confident first.
    """

    run: str
    step: int
    verdict: Verdict
    causes: tuple[Cause, ...]
    signals: dict[str, float]

    @property
    def certain(self) -> Cause | None:
        """The surest cause that needs no trend to be seen, if it is beyond reasonable doubt."""
        return next(
            (
                one
                for one in self.causes
                if one.id in CERTAIN_AT_ONCE and one.confidence >= limit.CERTAIN_CONFIDENCE
            ),
            None,
        )

    def as_dict(self) -> dict[str, Any]:
        """The object of ``diagnose --json``: the documented keys first, further ones behind them."""
        return {
            "run": self.run,
            "step": self.step,
            "verdict": self.verdict.status,
            "since_step": self.verdict.since_step,
            "causes": [one.as_dict() for one in self.causes],
            "signals": dict(self.signals),
            "reasons": list(self.verdict.reasons),
        }


def diagnose(case: Case) -> Diagnosis:
    """Ask every cause, let certain ones explain their consequences away, and sort by confidence."""
    found = [cause for name in CAUSES if (cause := _ask(name, case)) is not None]
    found = [_stepped_back(one, found) for one in found]
    ranked = sorted(found, key=lambda one: -one.confidence)
    return Diagnosis(
        run=case.run,
        step=case.step,
        verdict=case.verdict,
        causes=tuple(one for one in ranked if one.confidence >= limit.REPORTED_CONFIDENCE),
        signals={name: value for name, value in case.signals.items() if math.isfinite(value)},
    )


def _ask(name: str, case: Case) -> Cause | None:
    """One cause's answer; a rule that breaks is logged and leaves the others alone."""
    try:
        return CAUSES[name](case)
    except Exception:
        log.exception("the rule for %s failed", name)
        return None


def _stepped_back(cause: Cause, found: list[Cause]) -> Cause:
    """The cause with less confidence if another one, surer than itself, brings it about."""
    for other in found:
        explains = cause.id in EXPLAINS.get(other.id, ()) or (cause.id == "early" and other is not cause)
        mutual = other.id in EXPLAINS.get(cause.id, ())  # either looks like the other: the surer one stands
        if (
            explains
            and not (mutual and other.confidence <= cause.confidence)
            and other.confidence >= limit.CERTAIN_CONFIDENCE * cause.confidence
            and other.confidence >= 0.5
        ):
            return replace(
                cause,
                confidence=min(cause.confidence, other.confidence) * limit.EXPLAINED_AWAY,
                doubt=f"{other.id} is more likely, and accounts for what is seen. {cause.doubt}",
            )
    return cause
