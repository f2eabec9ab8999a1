"""From cosines to probabilities and loss, as the heads in ``models.heads`` do it, in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeft_core.config import HeadConfig
from edgeft_core.events import IntArray

Reals = npt.NDArray[np.floating[Any]]
Doubles = npt.NDArray[np.float64]

SMALLEST_SIN_SQUARED = 1e-6
"""See ``models.heads.arcface``: below it, sin(theta) is held and has no slope."""


def own_cosine(cos_NC: Reals, labels_N: IntArray) -> Doubles:
    """Cosine of each image and its own class weight."""
    return cos_NC[np.arange(len(labels_N)), labels_N].astype(np.float64)


def with_margin(cos_N: Doubles, head: HeadConfig) -> Doubles:
    """What the own class is scored by in training: cos(theta + m), cos(theta) - m, or cos(theta).

    ArcFace goes on as cos(theta) - m sin(m) where theta + m > pi (Deng et al. 2019, and the authors' code).
    """
    m = head.margin_rad
    if head.kind == "softmax":
        return cos_N
    if head.kind == "cosface":
        return cos_N - m
    sin_N = np.sqrt(np.maximum(1.0 - cos_N**2, SMALLEST_SIN_SQUARED))
    shifted_N = cos_N * math.cos(m) - sin_N * math.sin(m)
    return np.where(cos_N > -math.cos(m), shifted_N, cos_N - m * math.sin(m))


def margin_slope(cos_N: Doubles, head: HeadConfig) -> Doubles:
    """d with_margin / d cos. 1 without an angular margin; ArcFace: sin(theta + m) / sin(theta)."""
    if head.kind != "arcface":
        return np.ones_like(cos_N)
    m = head.margin_rad
    square_N = 1.0 - cos_N**2
    held_N = square_N < SMALLEST_SIN_SQUARED
    cotangent_N = np.where(held_N, 0.0, cos_N / np.sqrt(np.maximum(square_N, SMALLEST_SIN_SQUARED)))
    return np.where(cos_N > -math.cos(m), math.cos(m) + cotangent_N * math.sin(m), 1.0)


def s_eff(head: HeadConfig) -> float:
    """s / T, the only number through which scale and temperature act."""
    return head.scale / head.temperature


def logits(cos_NC: Reals, head: HeadConfig) -> Doubles:
    """s cos / T, margin off: predictions and probabilities are read from these."""
    return cos_NC.astype(np.float64) * s_eff(head)


def training_logits(cos_NC: Reals, labels_N: IntArray, head: HeadConfig) -> Doubles:
    """The same with the margin on the own class: the loss is computed from these."""
    scored_NC = logits(cos_NC, head)
    own_N = with_margin(own_cosine(cos_NC, labels_N), head) * s_eff(head)
    scored_NC[np.arange(len(labels_N)), labels_N] = own_N
    return scored_NC


def log_softmax(logits_NC: Doubles) -> Doubles:
    """ln p; safe for any size of logits."""
    shifted_NC = logits_NC - logits_NC.max(axis=1, keepdims=True)
    log_p_NC: Doubles = shifted_NC - np.log(np.exp(shifted_NC).sum(axis=1, keepdims=True))
    return log_p_NC


def loss_N(cos_NC: Reals, labels_N: IntArray, head: HeadConfig) -> Doubles:
    """Cross-entropy of each image in nats, with margin and label smoothing as in training.

    (1 - e) (-ln p_y) + e / C sum_c (-ln p_c). Szegedy et al. 2016, "Rethinking the Inception Architecture".
    """
    log_p_NC = log_softmax(training_logits(cos_NC, labels_N, head))
    own_N = log_p_NC[np.arange(len(labels_N)), labels_N]
    smooth = head.label_smoothing
    losses_N: Doubles = -(1.0 - smooth) * own_N - smooth * log_p_NC.mean(axis=1)
    return losses_N


def plain_loss_N(cos_NC: Reals, labels_N: IntArray, head: HeadConfig) -> Doubles:
    """Cross-entropy of each image without margin and label smoothing: what validation reports."""
    return loss_N(cos_NC, labels_N, head.model_copy(update={"kind": "softmax", "label_smoothing": 0.0}))
