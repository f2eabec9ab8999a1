"""CosFace: additive cosine margin (Wang et al., CVPR 2018, arXiv:1801.09414)."""

from __future__ import annotations

from torch import Tensor

from edgeft_core.models.heads.margin_head import MarginHead


class CosFace(MarginHead):
    """The own class is scored by ``cos(theta) - m``; here m is taken off the cosine and is no angle."""

    def with_margin(self, cos_B1: Tensor) -> Tensor:
        """``cos(theta) - m``."""
        return cos_B1 - self.margin_rad
