"""Is the twin with the fix better than the one without? Rules, reasons, and the sentence. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from edgeft_core.diagnostics.chance import max_share_chance, top_k_band, top_k_chance
from edgeft_core.diagnostics.thresholds import TOP5_FROM_CLASSES
from edgeft_core.proof import limits
from edgeft_core.proof.record import Outcome, Twin

Difference = Literal["better", "worse", "same"]

_ARROW: Final = "\u2192"
_HEADLINES: Final[Mapping[Outcome, str]] = {
    "verified": "Fix verified",
    "no_effect": "No effect",
    "worse": "Worse with the fix",
    "could_not_run": "Could not be tried",
}


@dataclass(frozen=True)
class Judgement:
    outcome: Outcome
    sentence: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Accuracy:
    """Top-k of one set of images, in both twins, beside guessing.

    Attributes:
        words: what the images are.
        band: highest share that guessing reaches (99.9 %).
    """

    words: str
    k: int
    images: int
    chance: float
    band: float
    without: float
    with_fix: float

    @property
    def known(self) -> bool:
        """Whether the twin with the fix is beyond guessing."""
        return self.with_fix > self.band

    @property
    def difference(self) -> Difference:
        if is_clearly_more(self.with_fix, self.without, self.images) and self.with_fix > self.band:
            return "better"
        if is_clearly_more(self.without, self.with_fix, self.images) and self.without > self.band:
            return "worse"
        return "same"


def judge(without: Twin, with_fix: Twin, n_classes: int) -> Judgement:
    """Verified, worse or no effect, with the numbers that decide."""
    if without.broke or with_fix.broke:
        return _broken(without, with_fix)
    accuracies = accuracies_of(without, with_fix, n_classes)
    differences = {one.words: one.difference for one in accuracies}
    concentration = concentration_of(without, with_fix, n_classes)
    crowding = crowding_of(without, with_fix)
    outcome = _outcome(accuracies, (concentration, crowding))
    reasons = [_accuracy_reason(one) for one in accuracies]
    reasons += _other_reasons(concentration, crowding, without, with_fix)
    if outcome == "no_effect" and set(differences.values()) >= {"better", "worse"}:
        reasons.append("Better on some images and worse on others is no cure.")
    return Judgement(outcome, _sentence(outcome, without, with_fix, accuracies), tuple(reasons))


def _outcome(accuracies: list[Accuracy], others: tuple[Difference, ...]) -> Outcome:
    """Accuracy decides; spread predictions or embeddings count only for a head that knows more than guessing."""
    found = {one.difference for one in accuracies}
    if found >= {"better", "worse"}:
        return "no_effect"
    if "worse" in found or ("worse" in others and "better" not in found):
        return "worse"
    if "better" in found:
        return "verified"
    known = any(one.known for one in accuracies)
    return "verified" if "better" in others and known else "no_effect"


def accuracies_of(without: Twin, with_fix: Twin, n_classes: int) -> list[Accuracy]:
    """Training window and images never trained on; Top-5, or Top-1 where guessing's Top-5 is large."""
    k = 5 if n_classes >= TOP5_FROM_CLASSES else 1
    found = []
    for prefix, count, words in (
        ("", "window_images", "training images"),
        ("val_", "val_images", "new images"),
    ):
        name = f"{prefix}top{k}"
        images = int(min(twin.measured.get(count, 0.0) for twin in (without, with_fix)))
        if images and all(name in twin.measured for twin in (without, with_fix)):
            band = top_k_band(k, n_classes, images)[1]
            chance = top_k_chance(k, n_classes)
            before, after = without.measured[name], with_fix.measured[name]
            found.append(Accuracy(words, k, images, chance, band, before, after))
    return found


def is_clearly_more(more: float, less: float, images: int) -> bool:
    """Whether one share of so many images is beyond noise larger than another, and by enough to matter."""
    pooled = (more + less) / 2.0
    error = math.sqrt(max(pooled * (1.0 - pooled), 1e-12) * 2.0 / max(1, images))
    matters = more >= limits.GAIN_FACTOR * less or more - less >= limits.GAIN_POINTS
    return more > less and matters and (more - less) / error >= limits.SIGNIFICANT


def concentration_of(without: Twin, with_fix: Twin, n_classes: int) -> Difference:
    """Does one class take far less, or far more, of the predictions than labels and guessing explain?"""
    before, after = (_share(twin) for twin in (without, with_fix))
    if before is None or after is None:
        return "same"
    images = int(with_fix.measured.get("window_images", 0.0))
    labels = max(twin.measured.get("label_max_share", 0.0) for twin in (without, with_fix))
    explained = limits.CONCENTRATED * max(max_share_chance(n_classes, max(1, images)), labels)
    classes = [twin.measured.get("effective_classes", math.nan) for twin in (without, with_fix)]
    if before > explained and after <= limits.SHARE_FACTOR * before and classes[1] >= 2.0 * classes[0]:
        return "better"
    if after > explained and before <= limits.SHARE_FACTOR * after and classes[0] >= 2.0 * classes[1]:
        return "worse"
    return "same"


def crowding_of(without: Twin, with_fix: Twin) -> Difference:
    """Do different people's embeddings come apart, or fall together?"""
    before, after = (_cosine(twin) for twin in (without, with_fix))
    if before is None or after is None:
        return "same"
    if before >= limits.CROWDED and after <= limits.SPREAD:
        return "better"
    return "worse" if after >= limits.CROWDED and before <= limits.SPREAD else "same"


def _broken(without: Twin, with_fix: Twin) -> Judgement:
    if with_fix.broke and without.broke:
        text = f"both broke: {with_fix.broke}"
        return Judgement("no_effect", f"{_HEADLINES['no_effect']}: {text}", (without.broke, with_fix.broke))
    if with_fix.broke:
        text = f"it broke, and without the fix it did not: {with_fix.broke}"
        return Judgement("worse", f"{_HEADLINES['worse']}: {text}", (with_fix.broke,))
    text = f"without it the run broke ({without.broke.rstrip('.')}), with it it goes on"
    return Judgement("verified", f"{_HEADLINES['verified']}: {text}.", (without.broke,))


def _accuracy_reason(one: Accuracy) -> str:
    told = (
        f"Top-{one.k} of {one.images} {one.words}: {percent(one.without)} without, {percent(one.with_fix)} with the "
        f"fix (guessing {percent(one.chance)}, at most {percent(one.band)})"
    )
    if one.difference == "same":
        beyond = "" if one.known else ", and not beyond guessing"
        return f"{told}: no difference beyond noise{beyond}."
    return f"{told}: clearly {one.difference}."


def _other_reasons(
    concentration: Difference, crowding: Difference, without: Twin, with_fix: Twin
) -> list[str]:
    found = []
    if concentration != "same":
        before, after = _share(without) or 0.0, _share(with_fix) or 0.0
        found.append(f"The largest class takes {percent(before)} without and {percent(after)} with the fix.")
    if crowding != "same":
        before, after = _cosine(without) or 0.0, _cosine(with_fix) or 0.0
        found.append(
            f"Different people have a mean cosine of {before:.2f} without and {after:.2f} with the fix."
        )
    return found


def _sentence(outcome: Outcome, without: Twin, with_fix: Twin, accuracies: list[Accuracy]) -> str:
    """``Fix verified: largest class 52 % (arrow) 3 %, 5 (arrow) 300 classes, Top-5 0.9 % (arrow) 9 % (...)``."""
    parts = []
    if (share := _both("max_class_share", without, with_fix)) is not None:
        parts.append(f"largest class {percent(share[0])} {_ARROW} {percent(share[1])}")
    if (classes := _both("effective_classes", without, with_fix)) is not None:
        parts.append(f"{classes[0]:.0f} {_ARROW} {classes[1]:.0f} classes")
    for one in accuracies:
        where = "" if one.words == "training images" else f" of {one.words}"
        parts.append(f"Top-{one.k}{where} {percent(one.without)} {_ARROW} {percent(one.with_fix)}")
    guessing = f" (guessing {percent(accuracies[0].chance)})" if accuracies else ""
    return f"{_HEADLINES[outcome]}: {', '.join(parts)}{guessing}."


def percent(share: float) -> str:
    """``0.9 %``, ``52 %``: one digit below ten."""
    value = 100.0 * share
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def _both(name: str, without: Twin, with_fix: Twin) -> tuple[float, float] | None:
    if name not in without.measured or name not in with_fix.measured:
        return None
    return without.measured[name], with_fix.measured[name]


def _share(twin: Twin) -> float | None:
    return twin.measured.get("max_class_share")


def _cosine(twin: Twin) -> float | None:
    return twin.measured.get("cos_different")
