"""What each experiment asks, and which of its numbers stand beside which references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgeft_core.diagnostics.case import ProbeResult
from ui.diagnosis.numbers import shown


@dataclass(frozen=True)
class Row:
    """One number of a result.

    Attributes:
        value: its name in ``ProbeResult.values``.
        reference: another value's name, or what to compare with in words.
    """

    value: str
    words: str
    reference: str = ""


@dataclass(frozen=True)
class Experiment:
    """One probe as people meet it.

    Attributes:
        cost_s: CPU seconds at 518 classes (docs/probes.md), for the remaining time.
    """

    question: str
    cost_s: float
    rows: tuple[Row, ...]


_KINDS: Final = {
    "minus_one_to_one": "-1 to 1",
    "imagenet": "ImageNet statistics",
    "zero_to_one": "0 to 1",
    "none": "0 to 255",
}
_REPLAYS: Final = {
    "as_is": "settings in force",
    "lr_tenth": "a tenth of the learning rate",
    "lr_tenfold": "ten times the learning rate",
    "recommended": "recommended scale and margin",
    "margin_0": "no margin",
    "centred": "embeddings centred",
}

OPENING_S: Final = 3.3
"""Loading torch and opening the run."""


def _asking(question: str, cost_s: float, *rows: tuple[str, str, str]) -> Experiment:
    """An experiment from the fields of its rows."""
    return Experiment(question, cost_s, tuple(Row(*fields) for fields in rows))


EXPERIMENTS: Final[Mapping[str, Experiment]] = {
    "nonfinite": _asking(
        "Is any number NaN or infinite?",
        0.2,
        ("nonfinite", "weights that are not finite", "0"),
        ("embeddings_nonfinite", "faces whose embedding is not finite", "0"),
    ),
    "parameters": _asking(
        "Do the weights move?",
        0.2,
        ("head_change", "change of the head, relative to its length", "0 = not trained"),
        ("backbone_change", "change of the backbone, relative to its length", "0 = not trained"),
    ),
    "normalisation": _asking(
        "Would pixels in another range help?",
        1.2,
        *(
            (f"cos_different_{kind}", f"cosine of different people, pixels as {words}", "0 = unrelated")
            for kind, words in _KINDS.items()
        ),
    ),
    "weights_random": _asking(
        "Are the loaded weights better than random ones?",
        0.6,
        ("ncm_top1_loaded", "nearest class mean, loaded weights", "ncm_top1_random"),
        ("random_head_share_loaded", "largest class under a random head", "random_head_share_random"),
    ),
    "train_eval": _asking(
        "Do training and evaluation compute the same?",
        0.5,
        ("cos_train_eval", "cosine of the same faces both ways", "1 = the same"),
    ),
    "nearest_class_mean": _asking(
        "Do embeddings know who is who, without any head?",
        4.5,
        ("ncm_top1", "nearest class mean is right", "chance"),
        ("ncm_top1_centred", "with the mean embedding removed", "chance"),
        ("d_prime", "d' between same and different people", "0 = no identity information"),
    ),
    "labels": _asking(
        "Do names, pictures and batches fit together?",
        0.3,
        ("batch_identities", "people in a batch", "batch_identities_expected"),
        ("copies_other_label_share", "pictures that also appear under another name", "0 %"),
        ("within_train", "training images nearest to their own name", "chance"),
        ("train_to_validation", "validation images nearest to their own name", "within_train"),
    ),
    "memorise": _asking(
        "Can a fresh head learn one batch by heart?",
        0.5,
        ("memorised", "learned", "100 %"),
        ("memorised_centred", "with embeddings centred", "100 %"),
    ),
    "head_replays": _asking(
        "Which settings would let a fresh head learn?",
        4.3,
        *(
            (f"train_top5_{name}", f"Top-5 of training images, {words}", "train_top5_as_is")
            for name, words in _REPLAYS.items()
        ),
    ),
}
"""Probe -> its words, in the order in which they run."""


def result_rows(result: ProbeResult) -> list[dict[str, str]]:
    """The numbers that a result has, as a table for people."""
    experiment = EXPERIMENTS.get(result.name)
    return [
        {
            "": one.words,
            "Measured": shown(one.value, result.values[one.value]),
            "Compare with": _reference(one, result),
        }
        for one in (experiment.rows if experiment else ())
        if one.value in result.values
    ]


def _reference(row: Row, result: ProbeResult) -> str:
    used = result.words.get("used")
    if result.name == "normalisation" and row.value == f"cos_different_{used}":
        return "in use"
    if row.reference == row.value:
        return "in force"
    if row.reference in result.values:
        names = {"chance": "guessing ", "ncm_top1_random": "random ", "random_head_share_random": "random "}
        return f"{names.get(row.reference, '')}{shown(row.reference, result.values[row.reference])}"
    return row.reference


def share_done(done: int) -> float:
    """How much of the work ``done`` experiments are, opening the run included, in [0, 1]."""
    costs = [one.cost_s for one in EXPERIMENTS.values()]
    return (OPENING_S * bool(done) + sum(costs[:done])) / (OPENING_S + sum(costs))


def remaining_s(done: int, elapsed_s: float) -> float:
    """Seconds still to go, from the pace so far; from the documented cost before there is one."""
    share = share_done(done)
    whole = OPENING_S + sum(one.cost_s for one in EXPERIMENTS.values())
    if share == 0.0:
        return max(1.0, whole - elapsed_s)
    return elapsed_s * (1.0 - share) / share
