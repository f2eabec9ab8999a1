"""Signals of logits and probabilities, margin off.

Shapes: B images, C classes. Every function returns a 0-dim tensor and never waits for the device.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgeft_core.diagnostics.signals.deviation import standard_deviation


def std_across_samples(logits_BC: Tensor) -> Tensor:
    """Mean over classes of the standard deviation (N) of one class's logit between faces.

    Range 0 to infinity. It falls to 0 when the input is ignored. Random directions give s / (T sqrt(D)).
    """
    return standard_deviation(logits_BC, 0, correction=0).mean()


def std_across_classes(logits_BC: Tensor) -> Tensor:
    """Mean over faces of the standard deviation (N) of one face's logits between classes.

    Range 0 to infinity. Mostly scale: random directions give s / (T sqrt(D)), whatever the input does.
    """
    return standard_deviation(logits_BC, 1, correction=0).mean()


def mutual_information(log_probs_BC: Tensor) -> Tensor:
    """H(mean p) - mean H(p) in nats: how much the predicted class tells about the input.

    Range 0 to ln(min(B, C)). About 0: predictions ignore the input, however sure they are.

    Reference: Bridle, Heading and MacKay 1991, "Unsupervised Classifiers, Mutual Information and Phantom Targets".
    """
    probs_BC = log_probs_BC.exp()
    conditional = -(probs_BC * log_probs_BC).sum() / probs_BC.shape[0]
    marginal = torch.special.entr(probs_BC.mean(dim=0)).sum()
    information: Tensor = marginal - conditional
    return information.clamp_min(0.0)


def target_cosine(cos_BC: Tensor, labels_B: Tensor) -> Tensor:
    """Mean cosine of a face and its own class weight. Range -1 to 1; 1 = learned."""
    return cos_BC.gather(1, labels_B[:, None]).mean()


def nontarget_cosine(cos_BC: Tensor, labels_B: Tensor) -> Tensor:
    """Mean cosine of a face and all other class weights. Range -1 to 1; 0 = unrelated."""
    own = cos_BC.gather(1, labels_B[:, None]).sum()
    return (cos_BC.sum() - own) / (cos_BC.shape[0] * (cos_BC.shape[1] - 1))


def top_k_hits(logits_BC: Tensor, labels_B: Tensor, k: int) -> Tensor:
    """Whether each image's own class is among its k best, shape (B,), bool.

    Ties count against the model: with equal logits everywhere nothing is known, so nothing is a hit (unless k = C).
    """
    own_B1 = logits_BC.gather(1, labels_B[:, None])
    return (logits_BC >= own_B1).sum(dim=1) <= k
