"""Everything that one setting of the head makes of a sample, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeft_core.config import HeadConfig
from edgeft_core.events import FloatArray, IntArray
from edgeft_core.labs.what_if.calibration import Reliability, expected_calibration_error, reliability
from edgeft_core.labs.what_if.gradient import (
    class_pull_C,
    concentration,
    effective_number,
    gradient_NC,
    sample_pull_N,
    shares,
)
from edgeft_core.labs.what_if.landmarks import first_loss, plateau_loss, reach
from edgeft_core.labs.what_if.predictions import predictions
from edgeft_core.labs.what_if.softmax import (
    Doubles,
    Reals,
    log_softmax,
    logits,
    loss_N,
    own_cosine,
    plain_loss_N,
    s_eff,
    training_logits,
)

SATURATED = 0.99
"""As in ``diagnostics.signals.logits``."""

LOWEST_LOG10_PROB, PROB_BINS = -6.0, 48
LOSS_BINS = 40
COSINE_BINS = 60
HARDEST = 0.1


@dataclass(frozen=True)
class Outcome:
    """Numbers by name, and the distributions behind the pictures.

    Attributes:
        readings: see :data:`READINGS` in ``figures.what_if`` for what they mean.
        loss_N: training loss of each image.
        own_prob_K, top_prob_K: images per bin of log10 p, from ``LOWEST_LOG10_PROB`` to 0.
        reliability: calibration curve.
        sample_curve, class_curve: share of the gradient that the hardest images, or classes, hold.
        class_share_C: share of the gradient of each class weight.
    """

    readings: dict[str, float]
    loss_N: Doubles
    own_prob_K: IntArray
    top_prob_K: IntArray
    reliability: Reliability
    sample_curve: Doubles
    class_curve: Doubles
    class_share_C: Doubles


def outcome(cos_NC: FloatArray, labels_N: IntArray, head: HeadConfig, dim: int) -> Outcome:
    """Compute it all. Margin and smoothing act on loss and gradient only, as in training."""
    log_p_NC = log_softmax(logits(cos_NC, head))
    own_log_p_N = log_p_NC[np.arange(len(labels_N)), labels_N]
    top_log_p_N = log_p_NC.max(axis=1)
    found = predictions(logits(cos_NC, head), labels_N)
    curve = reliability(np.exp(top_log_p_N), found.rank_N == 1)
    gradient = gradient_NC(cos_NC, labels_N, head)
    pull_N, class_share_C = sample_pull_N(gradient), shares(class_pull_C(gradient))
    share_N = shares(pull_N)
    losses_N = loss_N(cos_NC, labels_N, head)
    n_classes = cos_NC.shape[1]
    readings = {
        "s_eff": s_eff(head),
        "reach": reach(head, n_classes),
        "first_loss": first_loss(head, n_classes, dim),
        "plateau_loss": plateau_loss(head, n_classes),
        "loss": float(losses_N.mean()),
        "plain_loss": float(plain_loss_N(cos_NC, labels_N, head).mean()),
        "own_prob": float(np.exp(own_log_p_N).mean()),
        "top_prob": float(np.exp(top_log_p_N).mean()),
        "saturated": float((np.exp(top_log_p_N) > SATURATED).mean()),
        "ece": expected_calibration_error(curve),
        "logit_std_samples": std_across_samples(cos_NC) * s_eff(head),
        "logit_std_classes": std_across_classes(cos_NC) * s_eff(head),
        "margin_kept": margin_kept(cos_NC, labels_N, head),
        "pull": float(pull_N.mean()),
        "pulling_images": effective_number(share_N),
        "pulled_classes": effective_number(class_share_C),
        "hardest_tenth": float(np.interp(HARDEST, np.linspace(0, 1, 51), concentration(share_N))),
        "top1": found.top(1),
        "top5": found.top(5),
        "unique": float(found.unique),
        "effective": found.effective,
        "max_share": found.max_share,
    }
    return Outcome(
        readings=readings,
        loss_N=losses_N,
        own_prob_K=_log10_bins(own_log_p_N),
        top_prob_K=_log10_bins(top_log_p_N),
        reliability=curve,
        sample_curve=concentration(share_N),
        class_curve=concentration(class_share_C),
        class_share_C=class_share_C,
    )


def std_across_samples(cos_NC: Reals) -> float:
    """Mean over classes of one class's standard deviation between images; 0 = the input is ignored."""
    return float(cos_NC.astype(np.float64).std(axis=0).mean())


def std_across_classes(cos_NC: Reals) -> float:
    """Mean over images of one image's standard deviation between classes; mostly scale."""
    return float(cos_NC.astype(np.float64).std(axis=1).mean())


def margin_kept(cos_NC: Reals, labels_N: IntArray, head: HeadConfig) -> float:
    """Share of images whose own class still wins when it is scored with the margin."""
    scored_NC = training_logits(cos_NC, labels_N, head)
    own_N1 = own_cosine(scored_NC, labels_N)[:, None]
    return float(((scored_NC >= own_N1).sum(axis=1) == 1).mean())


def cosine_bins(cos_NC: Reals, labels_N: IntArray) -> tuple[Doubles, Doubles, Doubles]:
    """Histograms of cosines to the own class and to all others, as shares of each; and the bins' edges.

    s / T only stretches the axis under them: logits have the same histogram.
    """
    low, high = float(cos_NC.min()), float(cos_NC.max())
    pad = max(1e-3, 0.02 * (high - low))
    edges = np.linspace(low - pad, high + pad, COSINE_BINS + 1)
    own, _ = np.histogram(own_cosine(cos_NC, labels_N), edges)
    everything, _ = np.histogram(cos_NC, edges)
    others = everything - own
    return own / max(1, own.sum()), others / max(1, others.sum()), edges


def _log10_bins(log_p_N: Doubles) -> IntArray:
    """Images per bin of log10 p; what is smaller than the smallest bin is counted in it."""
    place_N = np.floor((log_p_N / np.log(10) - LOWEST_LOG10_PROB) / -LOWEST_LOG10_PROB * PROB_BINS)
    inside_N = np.clip(place_N, 0, PROB_BINS - 1).astype(np.int64)
    counts: IntArray = np.bincount(inside_N, minlength=PROB_BINS).astype(np.int64)
    return counts
