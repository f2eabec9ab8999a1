"""What K heads want of the same embeddings: margin, s / T and label smoothing as vectors over the heads.

The gradient is written out instead of being recorded: embeddings need none, and of what autograd would keep only a
part is needed. ``tests/labs`` compares it with autograd and with the engine's own heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgeft_core.config import HeadConfig
from edgeft_core.models.heads.arcface import SMALLEST_SIN_SQUARED


@dataclass(frozen=True)
class Rule:
    """Settings of K heads that enter their loss.

    Attributes:
        s_eff_K1: scale / temperature.
        angle_K1: ArcFace's margin, 0 for heads of other kinds.
        cosine_K1: CosFace's margin, 0 for heads of other kinds.
        smoothing_K1: label smoothing.
    """

    s_eff_K1: Tensor
    angle_K1: Tensor
    cosine_K1: Tensor
    smoothing_K1: Tensor

    @classmethod
    def of(cls, heads: Sequence[HeadConfig], device: torch.device) -> Rule:
        """One column per setting. All kinds of heads are one rule, each with the other kinds' margins at 0."""
        return cls(
            _column([head.scale / head.temperature for head in heads], device),
            _column([head.margin_rad * (head.kind == "arcface") for head in heads], device),
            _column([head.margin_rad * (head.kind == "cosface") for head in heads], device),
            _column([head.label_smoothing for head in heads], device),
        )

    def __getitem__(self, heads: slice) -> Rule:
        """The rule of some of the heads."""
        return Rule(
            self.s_eff_K1[heads], self.angle_K1[heads], self.cosine_K1[heads], self.smoothing_K1[heads]
        )

    def target(self, own_BK1: Tensor) -> tuple[Tensor, Tensor]:
        """The own class' cosine with its margin, and its slope; see ``ArcFace.with_margin``.

        ``cos(theta + m)``, beyond ``theta + m = pi`` a line of slope 1. The sine is held above a thousandth, where
        it is taken as constant.
        """
        cos_m_K1, sin_m_K1 = self.angle_K1.cos(), self.angle_K1.sin()
        sin_squared_BK1 = 1.0 - own_BK1.square()
        sin_BK1 = sin_squared_BK1.clamp_min(SMALLEST_SIN_SQUARED).sqrt()
        within_BK1 = own_BK1 > -cos_m_K1
        shifted_BK1 = own_BK1 * cos_m_K1 - sin_BK1 * sin_m_K1
        target_BK1 = torch.where(within_BK1, shifted_BK1, own_BK1 - self.angle_K1 * sin_m_K1)
        bend_BK1 = torch.where(sin_squared_BK1 > SMALLEST_SIN_SQUARED, own_BK1 / sin_BK1, 0.0)
        slope_BK1 = torch.where(within_BK1, cos_m_K1 + sin_m_K1 * bend_BK1, 1.0)
        return target_BK1 - self.cosine_K1, slope_BK1

    def gradient(self, cos_BKC: Tensor, own_BK1: Tensor, places_BK1: Tensor) -> Tensor:
        """d loss_k / d cos of every head's mean cross-entropy over the batch, shape (B, K, C).

        Args:
            own_BK1: cosine to the own class; places_BK1: that class.
        """
        n_images, n_classes = cos_BKC.shape[0], cos_BKC.shape[2]
        target_BK1, slope_BK1 = self.target(own_BK1)
        logits_BKC = cos_BKC * self.s_eff_K1
        logits_BKC.scatter_(2, places_BK1, target_BK1 * self.s_eff_K1)
        grad_BKC = torch.softmax(logits_BKC, dim=2)
        own_grad_BK1 = grad_BKC.gather(2, places_BK1) - (1.0 - self.smoothing_K1)
        own_grad_BK1 = (own_grad_BK1 - self.smoothing_K1 / n_classes) * slope_BK1
        grad_BKC -= self.smoothing_K1 / n_classes
        grad_BKC.scatter_(2, places_BK1, own_grad_BK1)
        return grad_BKC.mul_(self.s_eff_K1 / n_images)


def _column(values: Sequence[float], device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None]
