"""Questions that several causes ask of a case."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.chance import has_lost_half, top_k_band, top_k_chance
from edgeft_core.diagnostics.status import BAD


def is_bad(case: Case) -> bool:
    """Whether the verdict is one that a banner announces."""
    return case.verdict.status in BAD


def is_learning_well(case: Case) -> bool:
    """Whether training images are recognised clearly above chance."""
    return case.verdict.status == "healthy" or well_above(case, case.signal("top1_running"))


def well_above(case: Case, top1: float | None) -> bool:
    """Whether a Top-1 is clearly more than guessing."""
    if top1 is None or case.n_classes < 2:
        return False
    chance = top_k_chance(1, case.n_classes)
    window = int(case.signal("window_images") or case.config.monitor.window_images)
    high = top_k_band(1, case.n_classes, max(1, window))[1]
    return top1 >= min(limit.WELL_ABOVE_BAND * high, chance + limit.WELL_ABOVE_SKILL * (1.0 - chance))


def is_proven(case: Case) -> bool:
    """Whether most training images are recognised, and what is learned carries over to new images."""
    top1 = case.signal("top1_running")
    return is_learning_well(case) and (top1 or 0.0) >= limit.MOST_ARE_RIGHT and not is_lost_on_new(case)


def is_lost_on_new(case: Case) -> bool:
    """Whether less than half of what is recognised in training is in validation, beyond the error of counting."""
    inside, outside, n = case.signal("top1_running"), case.signal("val_top1"), validation_images(case)
    if inside is None or outside is None or not n:
        return False
    return has_lost_half(inside, outside, int(case.signal("window_images") or 1), n)


def validation_images(case: Case) -> int:
    """Images that a validation scores."""
    return min(int(case.split_images.get("validation", 0)), case.config.monitor.validation_images)


def validation_at_chance(case: Case) -> bool:
    """Whether guessing explains the last validation; not where it would explain any: of two people and few images."""
    top1, top5, n = case.signal("val_top1"), case.signal("val_top5"), validation_images(case)
    if top1 is None or top5 is None or not n or case.n_classes < 2:
        return False
    most = top_k_band(1, case.n_classes, n)[1]
    at_chance = top1 <= most < limit.TELLING_ACCURACY
    if case.n_classes <= 5:
        return at_chance
    return at_chance and top5 <= top_k_band(5, case.n_classes, n)[1]


def identity_error(case: Case) -> float | None:
    """Standard error of ``val_d_prime``, 1 / sqrt(pairs of one person); None where there are hardly any."""
    n = validation_images(case)
    per_person = n / max(1, case.n_classes)
    pairs = case.n_classes * per_person * max(0.0, per_person - 1.0) / 2.0
    return 1.0 / math.sqrt(pairs) if pairs >= limit.PAIRS_NEEDED else None


def knows_identities(case: Case) -> bool | None:
    """Whether embeddings of one person are more alike than those of different people; None if it cannot be told."""
    d_prime, error = case.signal("val_d_prime"), identity_error(case)
    if d_prime is None or error is None:
        return None
    return d_prime > limit.SIGNIFICANT * error


def different_people(case: Case) -> float | None:
    """Mean cosine of different people, of the latest measurement."""
    return case.signal("cos_different", "val_cos_different")


def is_one_point(case: Case) -> bool:
    """Whether all faces have the very same embedding: their logits differ by no more than numbers are rounded.

    Rounding has no direction, so neither rank nor d' says anything then.
    """
    cosine, spread = different_people(case), case.signal("logit_std_samples")
    alike = cosine is not None and cosine >= limit.COLLAPSED_COSINE
    return alike and spread is not None and spread <= limit.ROUNDING * case.s_eff


def rose_in_stage(case: Case, name: str) -> float:
    """How far a series rose since the beginning of the stage; 0 where it is not known."""
    values = case.in_stage(name).values
    if len(values) < limit.TREND_POINTS:
        return 0.0
    part = max(1, len(values) // 5)
    return sum(values[-part:]) / part - sum(values[:part]) / part


def largest_pull(case: Case) -> float | None:
    """Largest share that the SR/HR term had in the gradient during the stage; None where it was not measured."""
    seen = case.in_stage("contrastive_gradient_share").values
    return max(seen) if seen else case.signal("contrastive_gradient_share")


def was_healthy_at_first(case: Case) -> bool:
    """Whether different people had clearly different embeddings before anything was trained."""
    first = case.first.get("cos_different")
    return first is not None and first < limit.CROWDED_COSINE


@dataclass(frozen=True)
class Replayed:
    """A fresh head under other settings beside one under these.

    Attributes:
        k: of the Top-k that is compared.
        as_is, other: that Top-k on training images.
        better: the other is better by the factor that was asked for, beyond the error of counting.
        no_better: it gains next to nothing; between the two nobody can tell.
        told: for sentences.
    """

    k: int
    as_is: float
    other: float
    better: bool
    no_better: bool = False

    @property
    def told(self) -> str:
        return f"Top-{self.k} {percent(self.other)}, {percent(self.as_is)} with these"


def replayed(case: Case, variant: str, *, factor: float) -> Replayed | None:
    """What a replay under other settings reached; None where none ran.

    Top-5 is compared first, and Top-1 where Top-5 shows no difference: with few people everybody is among five.
    """
    found = [_replayed(case, variant, k, factor) for k in (5, 1)]
    ran = [one for one in found if one is not None]
    if not ran or any(one.better for one in ran):
        return next((one for one in ran if one.better), None)
    return replace(ran[-1], no_better=all(one.other < limit.REPLAY_GAIN_SEEN * one.as_is for one in ran))


def _replayed(case: Case, variant: str, k: int, factor: float) -> Replayed | None:
    as_is, other = (case.probe("head_replays", f"train_top{k}_{name}") for name in ("as_is", variant))
    if as_is is None or other is None:
        return None
    images = case.probe("head_replays", "images") or 1000.0
    error = math.sqrt((as_is + other) / images)
    better = other >= factor * as_is and other - as_is > limit.SIGNIFICANT * error
    return Replayed(k, as_is, other, better)


def percent(value: float) -> str:
    """A share for sentences."""
    return f"{value:.1%}" if value < 0.9995 else "100 %"
