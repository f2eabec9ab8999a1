"""Values to compare with, in closed form, for any kind of head; see ``diagnostics.theory`` for where they come from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeft_core.config import HeadConfig
from edgeft_core.diagnostics import theory
from edgeft_core.labs.what_if.softmax import s_eff


@dataclass(frozen=True)
class Landmarks:
    """What belongs to a number of classes and an embedding size, whatever the settings.

    Attributes:
        adacos: AdaCos' fixed scale, as s / T.
        cosface: CosFace's bound for a target probability of 95 %, as s / T.
        even: the s / T that reaches 50 % at most, ln(C - 1).
        guessing: loss and probability of guessing.
    """

    adacos: float
    cosface: float
    even: float
    guessing_loss: float
    guessing_prob: float


def landmarks(n_classes: int) -> Landmarks:
    """For at least two classes; AdaCos' scale would be 0 for two, so it is that of three."""
    return Landmarks(
        theory.adacos_scale(max(3, n_classes)),
        theory.cosface_scale_bound(n_classes),
        math.log(max(2, n_classes - 1)),
        math.log(n_classes),
        1.0 / n_classes,
    )


def reach(head: HeadConfig, n_classes: int) -> float:
    """Largest probability that s / T allows: own cosine 1, all others 0."""
    return theory.attainable_probability(s_eff(head), n_classes)


def first_loss(head: HeadConfig, n_classes: int, dim: int) -> float:
    """Loss of a random head: ln C + s^2 / (2 d) + (1 - e + e / C) s drop, with s / T for s.

    drop is what the margin takes off at right angles: sin m (ArcFace), m (CosFace), 0.
    """
    drop = {"arcface": math.sin(head.margin_rad), "cosface": head.margin_rad, "softmax": 0.0}[head.kind]
    return (
        math.log(n_classes) + s_eff(head) ** 2 / (2 * dim) + _on_target(head, n_classes) * s_eff(head) * drop
    )


def plateau_loss(head: HeadConfig, n_classes: int) -> float:
    """Loss where every embedding has the same cosine to every class, namely 1: collapse.

    ln(C - 1 + e^-g) + (1 - e + e / C) g, where g = s / T times what the margin takes off at cosine 1.
    """
    m = head.margin_rad
    gap = {"arcface": 1.0 - math.cos(m), "cosface": m, "softmax": 0.0}[head.kind] * s_eff(head)
    return math.log(n_classes - 1 + math.exp(-gap)) + _on_target(head, n_classes) * gap


def _on_target(head: HeadConfig, n_classes: int) -> float:
    """Weight of the own class in the smoothed target."""
    return 1.0 - head.label_smoothing + head.label_smoothing / n_classes
