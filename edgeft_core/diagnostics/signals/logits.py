"""Signals of logits and probabilities, margin off, and of what the margin does to them.

Shapes: B images, C classes. Every function returns a 0-dim tensor and never waits for the device; with more
dimensions in front (several steps) it returns one number for each.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from edgeft_core.diagnostics.signals.deviation import standard_deviation

SATURATED = 0.99
"""Above this probability an image's gradient is below a hundredth of what it was at first."""


def std_across_samples(logits_BC: Tensor) -> Tensor:
    """Mean over classes of the standard deviation (N) of one class's logit between faces.

    Range 0 to infinity. It falls to 0 when the input is ignored. Random directions give s / (T sqrt(D)).
    """
    return standard_deviation(logits_BC, -2, correction=0).mean(dim=-1)


def std_across_classes(logits_BC: Tensor) -> Tensor:
    """Mean over faces of the standard deviation (N) of one face's logits between classes.

    Range 0 to infinity. Mostly scale: random directions give s / (T sqrt(D)), whatever the input does.
    """
    return standard_deviation(logits_BC, -1, correction=0).mean(dim=-1)


def mutual_information(probs_BC: Tensor, logits_BC: Tensor, normaliser_B: Tensor) -> Tensor:
    """H(mean p) - mean H(p) in nats, p = softmax(logits): how much the predicted class tells about the input.

    Range 0 to ln(min(B, C)). About 0: predictions ignore the input, however sure they are.

    H(p) = ln(sum exp l) - sum p l, so no logarithm of C numbers is taken; ``normaliser_B`` is ln(sum exp l).

    Reference: Bridle, Heading and MacKay 1991, "Unsupervised Classifiers, Mutual Information and Phantom Targets".
    """
    conditional_B = normaliser_B - torch.linalg.vecdot(probs_BC, logits_BC)
    marginal = torch.special.entr(probs_BC.mean(dim=-2)).sum(dim=-1)
    information: Tensor = marginal - conditional_B.mean(dim=-1)
    return information.clamp_min(0.0)


def nontarget_mean(mean: Tensor, own_logit_B: Tensor, n_classes: int) -> Tensor:
    """Mean logit of a face and all classes but its own, from the ``mean`` over all of them.

    Range -s/T to s/T; 0 = unrelated. Over s/T it is the mean cosine.
    """
    return (n_classes * mean - own_logit_B.mean(dim=-1)) / (n_classes - 1)


def saturated_share(top_prob_B: Tensor) -> Tensor:
    """Share of images whose predicted class has a probability above ``SATURATED``. Range 0 to 1.

    Fine where those predictions are right. High while accuracy is low: the softmax is sure and wrong, and the few
    images that are not saturated make the whole gradient.
    """
    return (top_prob_B > SATURATED).float().mean(dim=-1)


def beyond_pi_share(own_cos_B: Tensor, margin_rad: float) -> Tensor:
    """Share of images with theta_y + m > pi, where cos(theta + m) would rise again. Range 0 to 1.

    Random directions have theta near pi / 2 and never get there with m below 1.4; more than a few images mean that
    the margin is larger than the angles allow, or that embeddings point away from their own class.
    """
    return (own_cos_B < -math.cos(margin_rad)).float().mean(dim=-1)


def top1_with_margin(own_logit_B: Tensor, rival_logit_B: Tensor) -> Tensor:
    """Share of images whose own class wins although it is scored with the margin, the loss' own view.

    Range 0 to 1. It stays near 0 long after plain accuracy has risen: never score with the margin on.
    ``own_logit_B`` is the own class' logit after the margin, ``rival_logit_B`` the best of the others.
    """
    return (own_logit_B > rival_logit_B).float().mean(dim=-1)


def own_logit_gap(own_cos_B: Tensor, own_logit_B: Tensor, s_eff: float) -> Tensor:
    """Mean of s/T cos_y - logit_y: what was taken off the own class before scoring.

    0 where accuracy is computed with the margin off, as it must be; otherwise labels got into the scores. NaN
    where s / T is not known.
    """
    return (s_eff * own_cos_B - own_logit_B).mean(dim=-1)


def top_k_hits(logits_BC: Tensor, labels_B: Tensor, k: int) -> Tensor:
    """Whether each image's own class is among its k best, shape (B,), bool.

    Ties count against the model: with equal logits everywhere nothing is known, so nothing is a hit (unless k = C).
    """
    own_B1 = logits_BC.gather(-1, labels_B[..., None])
    not_worse_BC = torch.ge(logits_BC, own_B1, out=torch.empty_like(logits_BC))
    return not_worse_BC.sum(dim=-1) <= k  # adding up booleans is four times slower on CPU


def first_best(logits_BC: Tensor) -> tuple[Tensor, Tensor]:
    """Largest logit of each image and the first class that has it, shapes (B,).

    On CPU numpy looks for it: torch does so without vector instructions, seven times slower.
    """
    if logits_BC.device.type == "cpu":
        place_B = torch.from_numpy(np.asarray(logits_BC.numpy().argmax(axis=-1)))
    else:
        place_B = logits_BC.argmax(dim=-1)
    return logits_BC.gather(-1, place_B[..., None]).squeeze(-1), place_B
