"""Networks: backbones that embed a face, margin heads that score identities, super-resolution."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from edgeft_core.models.backbone import LoadedBackbone, build_backbone
from edgeft_core.models.edgeface import (
    edgeface_base,
    edgeface_s_gamma_05,
    edgeface_xs_gamma_06,
    edgeface_xxs,
)
from edgeft_core.models.heads import HEADS, build_head

__all__ = ["BACKBONES", "HEADS", "LoadedBackbone", "build_backbone", "build_head"]

# Name in ``backbone.name`` -> function(embedding_dim, *, pretrained); other names are timm's.
BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "edgeface_xxs": edgeface_xxs,
    "edgeface_xs_gamma_06": edgeface_xs_gamma_06,
    "edgeface_s_gamma_05": edgeface_s_gamma_05,
    "edgeface_base": edgeface_base,
}
