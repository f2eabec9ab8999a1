"""Causes in the pixels that the backbone gets."""

from __future__ import annotations

from collections.abc import Mapping

from edgeft_core.config import Normalisation
from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes.cause import Cause, Fix, Weighing
from edgeft_core.diagnostics.causes.symptoms import is_learning_well, percent

WORDS: Mapping[Normalisation, str] = {
    "minus_one_to_one": "-1 to 1",
    "imagenet": "ImageNet's mean and deviation",
    "zero_to_one": "0 to 1",
    "none": "0 to 255",
}
LIMITS: Mapping[Normalisation, tuple[float, float]] = {
    "minus_one_to_one": (-1.0, 1.0),
    "imagenet": (-2.12, 2.64),
    "zero_to_one": (0.0, 1.0),
    "none": (0.0, 255.0),
}
"""Smallest and largest pixel of each normalisation."""

HARM: Mapping[Normalisation, float] = {
    "none": 0.85,
    "zero_to_one": 0.6,
    "imagenet": 0.3,
    "minus_one_to_one": 0.3,
}
"""How sure a wrong normalisation alone makes trouble: measured cosines .96 (0 to 255), .91 (0 to 1), .05 (ImageNet,
which differs from -1 to 1 by a factor of two and a small shift)."""

HARM_UNTRAINED: Mapping[Normalisation, float] = {"none": 0.5}
"""The same for a network without weights, which expects nothing; only numbers in the hundreds drown its biases."""


def expected_normalisation(weights: str) -> Normalisation:
    """What a backbone was trained with: -1 to 1 for faces, ImageNet's statistics for timm's own weights."""
    return "imagenet" if weights == "timm" else "minus_one_to_one"


def expected_kind(case: Case) -> Normalisation:
    """What this run's backbone was trained with."""
    return expected_normalisation(case.config.backbone.weights)


def wrong_range(case: Case) -> Cause | None:
    """``input.range``: pixels do not lie where the backbone expects them."""
    weighing = Weighing("input.range", case)
    expected, used = expected_kind(case), case.config.data.normalisation
    harm = HARM_UNTRAINED if case.config.backbone.weights == "none" else HARM
    if used != expected and used in harm:
        weighing.supports(
            harm[used],
            "data.normalisation",
            None,
            None,
            f"data.normalisation={used} feeds pixels as {WORDS[used]}; such a backbone is made for {WORDS[expected]}.",
        )
    spoilt = _measured(case, expected, weighing)
    best = used if spoilt else _other_normalisations(case, weighing) or expected
    if not weighing.empty:
        _crowded_at_once(case, weighing)
    return weighing.cause(
        meaning="The backbone sees numbers that it was never trained on, so all faces look alike to it: embeddings "
        "move together towards one direction and the head predicts a class or two.",
        doubt="A backbone trained from scratch gets used to any range; statistics close to the expected ones hardly "
        "matter.",
        fix=Fix(
            f"Set data.normalisation={best} and start again: embeddings cached so far were computed from wrong "
            "pixels."
            if best != used
            else "Look at how the images were saved: they should hold 0 to 255.",
            restart={"data.normalisation": best} if best != used else {},
        ),
    )


def _measured(case: Case, expected: Normalisation, weighing: Weighing) -> bool:
    """What the pixels say; whether the pictures themselves are spoilt, which no normalisation mends."""
    low, high = case.signal("input_min"), case.signal("input_max")
    if low is None or high is None:
        return False
    least, most = LIMITS[expected]
    if low < least - limit.INPUT_RANGE_SLACK or high > most + limit.INPUT_RANGE_SLACK:
        far = high > 10.0 or low < -10.0
        weighing.supports(
            0.7 if far else 0.35,
            "input_max",
            high,
            most,
            f"The first batch held pixels from {low:.3g} to {high:.3g}; {least:.3g} to {most:.3g} is expected.",
        )
        return False
    return _narrow(case, expected, weighing)


def _narrow(case: Case, expected: Normalisation, weighing: Weighing) -> bool:
    """Pixels inside the expected range, but in a corner of it, or at its two ends."""
    low, high = case.signals["input_min"], case.signals["input_max"]
    least, most = LIMITS[expected]
    if _in_a_corner(case):
        start, end = LIMITS[case.config.data.normalisation]
        text = (
            f"All pixels of the first batch lie between {low:.3g} and {high:.3g} of {start:.3g} to {end:.3g}: "
            "pictures that were scaled or normalised before they were saved look so."
        )
        weighing.supports(0.85 if _faint(case) else 0.4, "input_max", high, end, text)
        return True
    spread = case.signal("input_std")
    if spread is not None and spread >= limit.INPUT_BOTH_ENDS * (high - low) / 2.0:
        text = (
            f"Pixels deviate by {spread:.2g} from their mean, of {(high - low) / 2.0:.2g} at most: most of them "
            "sit at both ends, as where negative numbers wrapped around when pictures were saved."
        )
        weighing.supports(0.75, "input_std", spread, 0.45 * (high - low) / 2.0, text)
        return True
    if least < 0.0 <= low + limit.INPUT_RANGE_SLACK:
        text = f"No pixel of the first batch is below {low:.2g}; {least:.3g} to {most:.3g} is expected."
        weighing.supports(0.5, "input_min", low, least, text)
    return False


def _in_a_corner(case: Case) -> bool:
    """Whether the first batch uses a small part of the range of pixels."""
    low, high = case.signal("input_min"), case.signal("input_max")
    start, end = LIMITS[case.config.data.normalisation]
    return low is not None and high is not None and high - low < limit.INPUT_NARROW_SHARE * (end - start)


def _faint(case: Case) -> bool:
    """Whether it does, and images differ within it by as much as faces do: they are there, only scaled."""
    low, high, spread = (case.signal(name) for name in ("input_min", "input_max", "input_std_images"))
    if low is None or high is None or spread is None or not _in_a_corner(case):
        return False
    return spread >= limit.INPUT_CONSTANT_STD * (high - low) > 0.0


def _other_normalisations(case: Case, weighing: Weighing) -> Normalisation | None:
    """Would the same network tell faces better apart if it got them otherwise? Returns the best one."""
    used, expected = case.config.data.normalisation, expected_kind(case)
    fed = case.probe("normalisation", f"cos_different_{used}")
    if fed is None or (used == expected and case.n_classes < limit.PEOPLE_TO_COMPARE):
        return None  # a few people may look alike: no reason to doubt what such weights are made for
    better = [kind for kind in WORDS if kind != used and _recovers(case, kind, used)]
    if not better:
        weighing.doubts(0.6, "No other range of pixels tells people apart better.")
        return None
    best = expected if expected in better else max(better, key=lambda kind: _separation(case, kind) or 0.0)
    apart = case.probes["normalisation"].values[f"cos_different_{best}"]
    weighing.supports(
        min(0.95, 0.5 + 0.15 * (1.0 - apart) / max(1.0 - fed, 1e-6)),
        f"normalisation.cos_different_{best}",
        apart,
        fed,
        f"Fed as {WORDS[best]}, the same images have a mean cosine of {apart:.2f} between different people instead of "
        f"{fed:.2f}, and people are told apart better.",
    )
    return best


def _recovers(case: Case, kind: Normalisation, used: Normalisation) -> bool:
    """Whether people come out farther apart and easier to tell apart: more contrast alone gives the first only."""
    fed, apart = (case.probe("normalisation", f"cos_different_{one}") for one in (used, kind))
    if fed is None or apart is None or 1.0 - apart < limit.RANGE_GAIN * (1.0 - fed):
        return False
    before, after = _separation(case, used), _separation(case, kind)
    return before is None or after is None or after >= limit.RANGE_INFORMATION * before


def _separation(case: Case, kind: Normalisation) -> float | None:
    """How well people are told apart under a normalisation: d', or nearest class means where it is not known."""
    d_prime = case.probe("normalisation", f"d_prime_{kind}")
    return d_prime if d_prime is not None else case.probe("normalisation", f"ncm_top1_{kind}")


def _crowded_at_once(case: Case, weighing: Weighing) -> None:
    """Before any training, only input and weights can have made embeddings alike."""
    cosine = case.first.get("cos_different")
    if cosine is not None and cosine >= limit.CROWDED_COSINE:
        crowd = (cosine - limit.CROWDED_COSINE) / (limit.SPREAD_ENOUGH - limit.CROWDED_COSINE)
        weighing.supports(
            0.5 * min(1.0, crowd),
            "cos_different",
            cosine,
            0.0,
            f"In the very first batch different people already had a mean cosine of {cosine:.2f}, before any setting "
            "of the head could act.",
        )
    elif cosine is not None and is_learning_well(case):
        weighing.doubts(
            0.3, f"Embeddings were well apart at the start all the same (mean cosine {cosine:.2f})."
        )


def constant(case: Case) -> Cause | None:
    """``input.constant``: there is nothing to see in the images."""
    weighing = Weighing("input.constant", case)
    spread, low, high = (case.signal(name) for name in ("input_std_images", "input_min", "input_max"))
    least, most = LIMITS[case.config.data.normalisation]
    faint = _faint(case)
    if spread is not None and spread < limit.INPUT_CONSTANT_STD * (most - least):
        flat = low is not None and high is not None and high - low < limit.INPUT_CONSTANT_STD * (most - least)
        weighing.supports(
            0.5 if faint else 0.95,
            "input_std_images",
            spread,
            0.2 * (most - least),
            f"A pixel varies by {spread:.2g} between images, faces vary by {0.2 * (most - least):.2g}: "
            + ("the images are blank, or nearly." if flat else "all images are the same picture."),
        )
    share = case.probe("labels", "constant_share")
    if share is not None and share >= 0.1:
        text = f"{percent(share)} of the images looked at are blank or the same picture."
        weighing.supports(0.3 if faint else min(0.95, 0.5 + share), "labels.constant_share", share, 0.0, text)
    return weighing.cause(
        meaning="The images hold no faces (blank, or one picture again and again): all get the same embedding.",
        doubt="The first batch may have met a run of placeholders; the preview on the launch page shows more images.",
        fix=Fix(
            "Look at the files and get them again; a failed download or conversion leaves such placeholders."
        ),
    )
