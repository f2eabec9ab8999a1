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
    "imagenet": 0.45,
    "minus_one_to_one": 0.45,
}
"""How sure a wrong normalisation alone makes trouble: measured cosines .96 (0 to 255), .91 (0 to 1), .05 (ImageNet)."""


def expected_kind(case: Case) -> Normalisation:
    """What the backbone was trained with: -1 to 1 for face backbones, ImageNet's statistics for timm's own weights."""
    return "imagenet" if case.config.backbone.weights == "timm" else "minus_one_to_one"


def wrong_range(case: Case) -> Cause | None:
    """``input.range``: pixels do not lie where the backbone expects them."""
    weighing = Weighing("input.range", case)
    expected, used = expected_kind(case), case.config.data.normalisation
    if used != expected:
        weighing.supports(
            HARM[used],
            "data.normalisation",
            None,
            None,
            f"data.normalisation={used} feeds pixels as {WORDS[used]}; this backbone was trained with "
            f"{WORDS[expected]}.",
        )
    _measured(case, expected, weighing)
    best = _other_normalisations(case, weighing) or expected
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


def _measured(case: Case, expected: Normalisation, weighing: Weighing) -> None:
    low, high = case.signal("input_min"), case.signal("input_max")
    if low is None or high is None:
        return
    least, most = LIMITS[expected]
    if low >= least - limit.INPUT_RANGE_SLACK and high <= most + limit.INPUT_RANGE_SLACK:
        _narrow(case, expected, weighing)
        return
    far = high > 10.0 or low < -10.0
    weighing.supports(
        0.7 if far else 0.35,
        "input_max",
        high,
        most,
        f"The first batch held pixels from {low:.3g} to {high:.3g}; {least:.3g} to {most:.3g} is expected.",
    )


def _narrow(case: Case, expected: Normalisation, weighing: Weighing) -> None:
    """Pixels inside the expected range, but in a corner of it only."""
    low, high = case.signals["input_min"], case.signals["input_max"]
    least, most = LIMITS[expected]
    if least < 0.0 <= low + limit.INPUT_RANGE_SLACK:
        text = f"No pixel of the first batch is below {low:.2g}; {least:.3g} to {most:.3g} is expected."
        weighing.supports(0.5, "input_min", low, least, text)
    elif (high - low) < 0.1 * (most - least):
        text = f"All pixels of the first batch lie between {low:.3g} and {high:.3g}, a tenth of what is expected."
        weighing.supports(0.6, "input_max", high, most, text)


def _other_normalisations(case: Case, weighing: Weighing) -> Normalisation | None:
    """Would the same network tell faces better apart if it got them otherwise? Returns the best one."""
    used = case.config.data.normalisation
    fed = case.probe("normalisation", f"cos_different_{used}")
    found = {kind: case.probe("normalisation", f"cos_different_{kind}") for kind in WORDS}
    tried = {kind: cosine for kind, cosine in found.items() if cosine is not None and kind != used}
    if fed is None or not tried:
        return None
    best = min(tried, key=lambda kind: tried[kind])
    gain = (1.0 - tried[best]) / max(1.0 - fed, 1e-6)
    known, before = (case.probe("normalisation", f"ncm_top1_{kind}") for kind in (best, used))
    loses = known is not None and before is not None and known < 0.8 * before
    if gain >= 1.5 and not loses:
        weighing.supports(
            min(0.95, 0.5 + 0.15 * gain),
            f"normalisation.cos_different_{best}",
            tried[best],
            fed,
            f"Fed as {WORDS[best]}, the same images have a mean cosine of {tried[best]:.2f} between different people "
            f"instead of {fed:.2f}.",
        )
        return best
    weighing.doubts(0.6, "No other range of pixels spreads the embeddings further.")
    return None


def _crowded_at_once(case: Case, weighing: Weighing) -> None:
    """Before any training, only input and weights can have made embeddings alike."""
    cosine = case.first.get("cos_different")
    if cosine is not None and cosine >= limit.CROWDED_COSINE:
        weighing.supports(
            0.5,
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
    if spread is not None and spread < limit.INPUT_CONSTANT_STD * (most - least):
        flat = low is not None and high is not None and high - low < limit.INPUT_CONSTANT_STD * (most - least)
        weighing.supports(
            0.95,
            "input_std_images",
            spread,
            0.2 * (most - least),
            f"A pixel varies by {spread:.2g} between images, faces vary by {0.2 * (most - least):.2g}: "
            + ("the images are blank." if flat else "all images are the same picture."),
        )
    share = case.probe("labels", "constant_share")
    if share is not None and share >= 0.1:
        text = f"{percent(share)} of the images looked at are blank or the same picture."
        weighing.supports(min(0.95, 0.5 + share), "labels.constant_share", share, 0.0, text)
    return weighing.cause(
        meaning="The images hold no faces (blank, or one picture again and again): all get the same embedding.",
        doubt="The first batch may have met a run of placeholders; the preview on the launch page shows more images.",
        fix=Fix(
            "Look at the files and get them again; a failed download or conversion leaves such placeholders."
        ),
    )
