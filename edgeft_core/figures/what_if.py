"""What the What-if lab draws: its pictures and numbers in words, and which colour means what.

The browser draws them (``ui/what_if/frontend``), because sliders must feel immediate; what they say is declared here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from edgeft_core.figures.theme import Meaning, colour

Format = Literal["percent", "number", "count"]


@dataclass(frozen=True)
class Reading:
    """One number of an outcome.

    Attributes:
        title: what it is, in as few words as possible; stands behind the number.
        of: what it is a part of: "images", "classes", or nothing.
        meaning: one sentence for whoever rests the pointer on it.
    """

    title: str
    format: Format
    meaning: str
    of: Literal["", "images", "classes"] = ""


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        readings: numbers above it, by name.
        text: what is seen, in a sentence.
    """

    title: str
    x: str
    y: str
    readings: tuple[str, ...]
    text: str


READINGS: Final[dict[str, Reading]] = {
    "top1": Reading("Top-1", "percent", "Share of images whose own class has the largest logit, margin off."),
    "top5": Reading("Top-5", "percent", "Share of images whose own class is among the five largest."),
    "unique": Reading(
        "classes predicted", "count", "Classes that are predicted for at least one image.", "classes"
    ),
    "max_share": Reading("on the largest", "percent", "Share of images that get the most predicted class."),
    "logit_std_samples": Reading(
        "std across samples",
        "number",
        "How much one class's logit varies between images. It grows with s / T too: only its ratio to the std across "
        "classes tells whether the input matters.",
    ),
    "logit_std_classes": Reading(
        "across classes",
        "number",
        "How much one image's logits vary between classes. It grows with s / T whatever the embeddings are.",
    ),
    "own_prob": Reading("own class", "percent", "Mean probability of the own class, margin off."),
    "top_prob": Reading("predicted class", "percent", "Mean probability of the predicted class."),
    "saturated": Reading(
        "above 99 %",
        "percent",
        "Images whose predicted class has more than 99 % probability: they hardly pull.",
    ),
    "loss": Reading(
        "mean loss", "number", "Cross-entropy with margin and label smoothing, as in training, in nats."
    ),
    "plain_loss": Reading(
        "margin off", "number", "Cross-entropy without margin and smoothing: what validation reports."
    ),
    "pulling_images": Reading(
        "images pull",
        "count",
        "Effective number (exp of the entropy of the shares) of images that make the gradient.",
        "images",
    ),
    "pulled_classes": Reading(
        "classes are pulled", "count", "Effective number of class weights that get the gradient.", "classes"
    ),
    "hardest_tenth": Reading(
        "from the hardest tenth", "percent", "Share of the gradient of the tenth that pulls most."
    ),
    "pull": Reading(
        "pull per image",
        "number",
        "Mean over images of the sum of |d loss / d cosine|: s / T sets its size, as a learning rate would.",
    ),
    "ece": Reading(
        "calibration error",
        "percent",
        "ECE with 15 bins (Guo et al. 2017): mean gap between how sure the head is and how often it is right.",
    ),
    "margin_kept": Reading(
        "keep the margin", "percent", "Images whose own class wins although it is scored with the margin."
    ),
}

PANELS: Final[dict[str, Panel]] = {
    "predictions": Panel(
        "Who is predicted",
        "classes, most predicted first",
        "images",
        ("top1", "top5", "unique", "max_share"),
        "How often each class is predicted. Temperature, scale, margin, type and smoothing keep the order of every "
        "image's logits, so none of them can move this. Centring can.",
    ),
    "logits": Panel(
        "Logits",
        "s cos / T",
        "share",
        ("logit_std_samples", "logit_std_classes"),
        "Logits of the own class and of all others. s / T stretches the axis under them; the shape stays.",
    ),
    "probability": Panel(
        "Probability",
        "probability (log)",
        "images",
        ("own_prob", "top_prob", "saturated"),
        "Of the own and of the predicted class, margin off. No probability can pass the reach of s / T.",
    ),
    "loss": Panel(
        "Loss",
        "nats",
        "images",
        ("loss", "plain_loss"),
        "Training loss of each image. A random head begins at the expected first loss; a loss that rests on the "
        "plateau is a collapse.",
    ),
    "gradient": Panel(
        "Who pulls",
        "the hardest ... of images, of classes",
        "of the gradient",
        ("pulling_images", "pulled_classes", "hardest_tenth", "pull"),
        "What share of the gradient the hardest images, and the most pulled class weights, hold. On the diagonal all "
        "count alike.",
    ),
    "calibration": Panel(
        "Calibration",
        "how sure",
        "how often right",
        ("ece",),
        "Images by the probability of their predicted class. On the diagonal, 70 % sure is right in 70 % of cases.",
    ),
    "angles": Panel(
        "Angles",
        "to the own class weight",
        "to the strongest rival",
        ("margin_kept",),
        "Above the diagonal an image is predicted right. Training wants it above the other line, by the margin. Click "
        "one to see it in the plane beside.",
    ),
    "plane": Panel(
        "In the plane of both prototypes",
        "",
        "",
        (),
        "The own class weight points up, the strongest rival to the right; dots are embeddings, projected. An "
        "embedding in the cone keeps the margin against this rival.",
    ),
}

# What the browser calls a colour -> its meaning.
_INK: Final[dict[str, Meaning]] = {
    "own": Meaning.SAME_PERSON,
    "other": Meaning.DIFFERENT_PEOPLE,
    "top": Meaning.TRAINING,
    "classes": Meaning.VALIDATION,
    "reference": Meaning.CHANCE,
    "changed": Meaning.CHANGE,
    "action": Meaning.ACTION,
    "text": Meaning.TEXT,
    "muted": Meaning.MUTED,
    "grid": Meaning.GRID,
    "surface": Meaning.SURFACE,
    "background": Meaning.BACKGROUND,
}


def ink() -> dict[str, tuple[str, str]]:
    """Colours by role, for the light and for the dark page."""
    return {role: (colour(meaning), colour(meaning, True)) for role, meaning in _INK.items()}


def spoken() -> dict[str, Any]:
    """Panels and readings as plain data."""
    return {
        "panels": {name: asdict(panel) for name, panel in PANELS.items()},
        "readings": {name: asdict(reading) for name, reading in READINGS.items()},
    }
