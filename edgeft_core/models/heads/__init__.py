"""Margin heads: class weights on a sphere, and a loss that wants more than the right class to win."""

from __future__ import annotations

import torch

from edgeft_core.config import HeadConfig
from edgeft_core.models.heads.arcface import ArcFace
from edgeft_core.models.heads.cosface import CosFace
from edgeft_core.models.heads.margin_head import HeadOutput, MarginHead
from edgeft_core.models.heads.softmax import NormalisedSoftmax

__all__ = ["HEADS", "ArcFace", "CosFace", "HeadOutput", "MarginHead", "NormalisedSoftmax", "build_head"]

# Name in ``head.kind`` -> class.
HEADS: dict[str, type[MarginHead]] = {
    "arcface": ArcFace,
    "cosface": CosFace,
    "softmax": NormalisedSoftmax,
}


def build_head(
    config: HeadConfig, embedding_dim: int, n_classes: int, generator: torch.Generator | None = None
) -> MarginHead:
    """The head that ``config`` asks for; its class weights depend on ``generator`` alone."""
    return HEADS[config.kind](
        embedding_dim,
        n_classes,
        scale=config.scale,
        margin_rad=config.margin_rad,
        temperature=config.temperature,
        centre=config.centre,
        label_smoothing=config.label_smoothing,
        generator=generator,
    )
