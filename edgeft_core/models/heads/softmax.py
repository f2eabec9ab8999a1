"""Normalised softmax: cosine logits without any margin (Wang et al., "NormFace", 2017, arXiv:1704.06369)."""

from __future__ import annotations

from torch import Tensor

from edgeft_core.models.heads.margin_head import MarginHead


class NormalisedSoftmax(MarginHead):
    """Cross-entropy over ``s cos(theta) / T``; ``margin_rad`` is kept but has no effect."""

    def with_margin(self, cos_B1: Tensor) -> Tensor:
        """``cos(theta)``, unchanged."""
        return cos_B1
