"""Who pulls: the gradient of the loss at every cosine, and how it is shared among images and among classes."""

from __future__ import annotations

import numpy as np

from edgeft_core.config import HeadConfig
from edgeft_core.events import IntArray
from edgeft_core.labs.what_if.softmax import (
    Doubles,
    Reals,
    log_softmax,
    margin_slope,
    own_cosine,
    s_eff,
    training_logits,
)

CURVE_POINTS = 51


def gradient_NC(cos_NC: Reals, labels_N: IntArray, head: HeadConfig) -> Doubles:
    """d loss_n / d cos_nc = s/T (p_nc - q_nc), times the margin's slope at the own class.

    p is the softmax with the margin, q the smoothed target. Negative: the loss wants the cosine to grow.
    """
    rows = np.arange(len(labels_N))
    pull_NC: Doubles = np.exp(log_softmax(training_logits(cos_NC, labels_N, head)))
    pull_NC -= head.label_smoothing / cos_NC.shape[1]
    pull_NC[rows, labels_N] -= 1.0 - head.label_smoothing
    pull_NC[rows, labels_N] *= margin_slope(own_cosine(cos_NC, labels_N), head)
    return pull_NC * s_eff(head)


def sample_pull_N(gradient: Doubles) -> Doubles:
    """Sum over classes of the gradient's size: how much each image pulls at all of its cosines."""
    pull_N: Doubles = np.abs(gradient).sum(axis=1)
    return pull_N


def class_pull_C(gradient: Doubles) -> Doubles:
    """Sum over images of the gradient's size: how much each class weight is pulled at."""
    pull_C: Doubles = np.abs(gradient).sum(axis=0)
    return pull_C


def shares(pull: Doubles) -> Doubles:
    """Parts of the whole, which add up to 1; equal ones where nobody pulls."""
    total = pull.sum()
    return pull / total if total > 0 else np.full(len(pull), 1.0 / max(1, len(pull)))


def effective_number(share: Doubles) -> float:
    """exp of the entropy: so many equal ones would share as unevenly. Range 1 to their number. Hill 1973."""
    used = share[share > 0]
    return float(np.exp(-(used * np.log(used)).sum()))


def concentration(share: Doubles, points: int = CURVE_POINTS) -> Doubles:
    """What the largest 0 to 100 % of them hold together (a Lorenz curve from the top); evenly: a diagonal."""
    held = np.concatenate([[0.0], np.cumsum(np.sort(share)[::-1])])
    at = np.linspace(0, len(share), points)
    curve: Doubles = np.interp(at, np.arange(len(held)), held)
    return curve
