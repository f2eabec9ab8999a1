"""ArcFace: additive angular margin (Deng et al., CVPR 2019, arXiv:1801.07698)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from edgeft_core.models.heads.margin_head import MarginHead

# Below this, 1 - cos^2 is rounding noise in float32 (an angle under 0.06 degrees).
SMALLEST_SIN_SQUARED = 1e-6


class ArcFace(MarginHead):
    """The own class is scored by ``cos(theta + m)`` instead of ``cos(theta)``; m is an angle in radians.

    Beyond ``theta + m = pi`` that would rise again and reward getting worse. As in the authors' code the target
    is there ``cos(theta) - m sin(m)``: lower than -1 and still falling with theta.

    ``cos(theta + m) = cos(theta) cos(m) - sin(theta) sin(m)``, so no ``acos`` is taken, whose slope is infinite
    at cos = +-1. ``sin(theta)`` is held above a thousandth, which bounds the slope there.
    """

    def with_margin(self, cos_B1: Tensor) -> Tensor:
        """``cos(theta + m)``; ``cos(theta) - m sin(m)`` where ``theta > pi - m``."""
        m = self.margin_rad
        sin_B1 = (1.0 - cos_B1.square()).clamp_min(SMALLEST_SIN_SQUARED).sqrt()
        shifted_B1 = cos_B1 * math.cos(m) - sin_B1 * math.sin(m)
        return torch.where(cos_B1 > -math.cos(m), shifted_B1, cos_B1 - m * math.sin(m))
