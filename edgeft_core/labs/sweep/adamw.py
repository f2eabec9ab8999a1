"""AdamW for K heads in one tensor, each with its own learning rate (Loshchilov and Hutter 2019, arXiv:1711.05101).

``torch.optim.AdamW`` has one rate per group, and a head of its own in each of K groups would be K updates.
"""

from __future__ import annotations

import torch
from torch import Tensor

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
_SMALLEST_RATE = 1e-30
"""Stands for a rate of 0, by which nothing could be divided; no weight moves by so little."""


def adamw_(
    weight_KCD: Tensor,
    grad_KCD: Tensor,
    mean_KCD: Tensor,
    square_KCD: Tensor,
    scratch_KCD: Tensor,
    *,
    rate_K11: Tensor,
    weight_decay: float,
    step: int,
) -> None:
    """One step in place, as ``torch.optim.AdamW`` with torch's default betas and epsilon takes it.

    The K rates go into the divisor, so that no head's update needs a pass of its own over its weights::

        w <- w (1 - rate decay) - m / ((sqrt(v) / sqrt(1 - b2^t) + eps) (1 - b1^t) / rate)

    Args:
        mean_KCD, square_KCD: moments m and v, 0 before the first step.
        scratch_KCD: memory of the same shape; its content is lost.
        step: t, 1-based.
    """
    mean_KCD.lerp_(grad_KCD, 1.0 - BETA_1)
    square_KCD.mul_(BETA_2).addcmul_(grad_KCD, grad_KCD, value=1.0 - BETA_2)
    if weight_decay:
        weight_KCD.mul_(1.0 - rate_K11 * weight_decay)
    stretch_K11 = (1.0 - BETA_1**step) / rate_K11.clamp_min(_SMALLEST_RATE)
    torch.sqrt(square_KCD, out=scratch_KCD)
    scratch_KCD.mul_(stretch_K11 / (1.0 - BETA_2**step) ** 0.5).add_(stretch_K11 * EPSILON)
    weight_KCD.addcdiv_(mean_KCD, scratch_KCD, value=-1.0)
