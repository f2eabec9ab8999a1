"""How a run is doing while it goes: opinions of single checks become a verdict that does not flicker. No torch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.chance import has_lost_half, top_k_band
from edgeft_core.diagnostics.judgement import Clock, Opinion, is_well_above_chance, judge
from edgeft_core.diagnostics.status import BAD, STATUSES, Status, Verdict
from edgeft_core.diagnostics.theory import expected_first_loss
from edgeft_core.diagnostics.vitals import Reading, Shape, Vitals

__all__ = ["BAD", "STATUSES", "Status", "Verdict", "VerdictTracker"]

READINGS_KEPT = 4096
"""Earlier readings; older ones are thinned out, so that a run of any length fits."""

MEANING_OF_LOGITS = ("loss", "mutual_information", "logit_std_samples", "logit_std_classes")
"""Signals that change at once when scale, temperature or margin do."""


class VerdictTracker:
    """Turns a run's numbers into a verdict that neither cries wolf nor flickers.

    Each check gives an opinion (:func:`~edgeft_core.diagnostics.judgement.judge`); the verdict changes when enough
    opinions in a row agree. Numbers that are not finite need no second look.

    Args:
        validation_images: images that a validation scores.
        before: the verdict that an earlier worker of the same run left.
    """

    def __init__(self, shape: Shape, *, validation_images: int = 0, before: Verdict | None = None) -> None:
        self._shape = shape
        self._vitals = Vitals(shape)
        self._validation_images = validation_images
        self._verdict = before or Verdict()
        self._clock = Clock()
        self._past: deque[Reading] = deque(maxlen=READINGS_KEPT)
        self._streak: list[tuple[int, Opinion]] = []
        self._settings: tuple[float, ...] = ()
        self._step = 0
        self._best_top1 = 0.0

    @property
    def verdict(self) -> Verdict:
        return self._verdict

    @property
    def reading(self) -> Reading | None:
        """The numbers of the last check."""
        return self._past[-1] if self._past else None

    def stage(self, step: int, *, steps: int, rate_warmup: int) -> None:
        """A stage of ``steps`` steps begins after ``step``; its learning rates rise over ``rate_warmup`` of them."""
        known = self._clock
        self._clock = replace(
            Clock(step, steps, rate_warmup, step, known.validations_at_chance), lost=known.lost
        )

    def changed(self, step: int) -> None:
        """A live setting changed before ``step``: progress is measured from here on."""
        self._clock = replace(self._clock, changed=step)

    def batch(self, step: int, scalars: Mapping[str, float]) -> Verdict:
        """Take in the signals of one step."""
        loss = scalars.get("loss")
        if loss is not None and not math.isfinite(loss):
            return self.failed(step, f"the loss of step {step} is not a finite number")
        self._watch_settings(scalars)
        self._step = step
        if math.isnan(self._clock.cos_at_first):
            self._clock = replace(self._clock, cos_at_first=scalars.get("cos_different", math.nan))
        if not self._vitals.add(scalars):
            return self._verdict
        reading = self._vitals.reading(step, scalars)
        if math.isnan(reading.top1) or math.isnan(reading.max_share):
            return self._verdict
        opinion = judge(reading, self._past, self._clock, first_loss=_first_loss(reading, scalars))
        self._past.append(reading)
        return self._hear(step, opinion)

    def validated(self, scalars: Mapping[str, float]) -> None:
        """Take in a validation (``val_*``)."""
        top5, top1 = scalars.get("val_top5"), scalars.get("val_top1")
        if top1 is None or top5 is None or not self._validation_images:
            return
        n_classes = self._shape.n_classes
        highs = [top_k_band(k, n_classes, self._validation_images)[1] for k in (1, min(5, n_classes))]
        known = top1 > highs[0] or (n_classes > 5 and top5 > highs[1])
        telling = highs[0] < limit.TELLING_ACCURACY  # guessing may name a few images of two people rightly
        learned = self.reading is not None and is_well_above_chance(self.reading)
        count = 0 if known or not learned or not telling else self._clock.validations_at_chance + 1
        self._clock = replace(self._clock, validations_at_chance=count, lost=self._lost(top1))
        if self._clock.lost and self._verdict.status in {"learning", "healthy"}:
            self._verdict = Verdict(
                "watch", self._step, (self._clock.lost,)
            )  # what checks have seen still counts

    def _lost(self, top1: float) -> str:
        """Says so where new images were recognised twice as often before."""
        best, n = self._best_top1, self._validation_images
        self._best_top1 = max(best, top1)
        if not has_lost_half(best, top1, n, n):
            return ""
        return (
            f"{top1:.1%} of new images are recognised, {best:.1%} were before: what was known is being lost"
        )

    def failed(self, step: int, reason: str) -> Verdict:
        """Something is not finite: certain at once."""
        if self._verdict.status != "diverged":
            self._verdict = Verdict("diverged", step, (reason,))
        return self._verdict

    def _watch_settings(self, scalars: Mapping[str, float]) -> None:
        """When scale, temperature or margin change, logits of before and after must not be averaged."""
        settings = tuple(scalars.get(name, math.nan) for name in ("scale", "temperature", "margin_rad"))
        if self._settings and settings != self._settings:
            self._vitals.forget(*MEANING_OF_LOGITS)
        self._settings = settings

    def _hear(self, step: int, opinion: Opinion) -> Verdict:
        """Count how often in a row an opinion was heard, and change the verdict when it is often enough."""
        now = self._verdict.status
        if opinion.status == now:
            self._streak = []
            self._verdict = Verdict(now, self._verdict.since_step, opinion.reasons)
            return self._verdict
        self._streak.append((step, opinion))
        agreeing = _agreeing(self._streak, now)
        if len(agreeing) >= _needed(now, opinion.status):
            self._verdict = Verdict(opinion.status, agreeing[0][0], opinion.reasons)
            self._streak = []
        return self._verdict


def _agreeing(streak: list[tuple[int, Opinion]], now: Status) -> list[tuple[int, Opinion]]:
    """The newest opinions that argue for the same change: the same status, or (to leave a bad one) any good one."""
    last = streak[-1][1].status
    found: list[tuple[int, Opinion]] = []
    for step, opinion in reversed(streak):
        both_good = now in BAD and last not in BAD and opinion.status not in BAD
        if opinion.status != last and not both_good:
            break
        found.append((step, opinion))
    return found[::-1]


def _needed(now: Status, then: Status) -> int:
    if then in BAD:
        return limit.PERSIST_CHECKS
    if now in BAD:
        return limit.RECOVER_CHECKS
    return 1 if then == "watch" else limit.SETTLE_CHECKS


def _first_loss(reading: Reading, scalars: Mapping[str, float]) -> float:
    """The loss of a head that knows nothing, at the settings in force (CosFace's margin counts as it is)."""
    margin_rad = scalars.get("margin_rad", 0.0)
    return expected_first_loss(
        reading.shape.n_classes, reading.s_eff, margin_rad, reading.shape.embedding_dim
    )
