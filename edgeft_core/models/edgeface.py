"""EdgeFace: EdgeNeXt backbones for face recognition (George et al., "EdgeFace", IEEE T-BIOM 2024)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from edgeft_core.models import torchvision_compat  # noqa: F401 - before timm
from edgeft_core.models.low_rank import factor_linears

import timm  # isort: skip


@dataclass(frozen=True)
class Variant:
    """One published EdgeFace.

    Attributes:
        timm_name: the EdgeNeXt that it is made of.
        rank_ratio: of its low-rank linear layers; None where they are plain.
    """

    timm_name: str
    rank_ratio: float | None = None


VARIANTS: dict[str, Variant] = {
    "edgeface_xxs": Variant("edgenext_xx_small"),
    "edgeface_xs_gamma_06": Variant("edgenext_x_small", 0.6),
    "edgeface_s_gamma_05": Variant("edgenext_small", 0.5),
    "edgeface_base": Variant("edgenext_base"),
}


class EdgeFace(nn.Module):
    """EdgeNeXt with an embedding in place of its classifier; keys start with ``model.`` as published.

    Input: images_B3HW, aligned RGB faces, 112 px, mean 0.5 and std 0.5. Output: emb_BD, not normalised.

    Args:
        pretrained: start from timm's ImageNet weights (needs the network once); low-rank layers then
            approximate the pretrained ones, and the embedding layer is random.
    """

    def __init__(self, variant: Variant, embedding_dim: int = 512, *, pretrained: bool = False) -> None:
        super().__init__()
        self.model = timm.create_model(variant.timm_name, pretrained=pretrained)
        self.model.reset_classifier(embedding_dim)
        if variant.rank_ratio is not None:
            factor_linears(self.model, variant.rank_ratio, approximate=pretrained)

    def forward(self, images_B3HW: Tensor) -> Tensor:
        emb_BD: Tensor = self.model(images_B3HW)
        return emb_BD


def edgeface_xxs(embedding_dim: int = 512, *, pretrained: bool = False) -> EdgeFace:
    """1.24 M parameters."""
    return EdgeFace(VARIANTS["edgeface_xxs"], embedding_dim, pretrained=pretrained)


def edgeface_xs_gamma_06(embedding_dim: int = 512, *, pretrained: bool = False) -> EdgeFace:
    """1.77 M parameters, low-rank at ratio 0.6."""
    return EdgeFace(VARIANTS["edgeface_xs_gamma_06"], embedding_dim, pretrained=pretrained)


def edgeface_s_gamma_05(embedding_dim: int = 512, *, pretrained: bool = False) -> EdgeFace:
    """3.65 M parameters, low-rank at ratio 0.5."""
    return EdgeFace(VARIANTS["edgeface_s_gamma_05"], embedding_dim, pretrained=pretrained)


def edgeface_base(embedding_dim: int = 512, *, pretrained: bool = False) -> EdgeFace:
    """18.23 M parameters."""
    return EdgeFace(VARIANTS["edgeface_base"], embedding_dim, pretrained=pretrained)
