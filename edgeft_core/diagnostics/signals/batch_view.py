"""What per-batch signals look at: the tensors of one step, with what several signals need computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import normalize


@dataclass(frozen=True)
class BatchView:
    """Detached tensors of one step, all on one device.

    Attributes:
        emb_BD: embeddings as the backbone gave them, float32.
        cos_BC: plain cosines of embeddings and class weights.
        logits_BC: s cos / T, margin off.
        labels_B: true classes, int64.
        same_image_B: cosine of each image and its SR/HR twin, NaN where it was not measured; None if nowhere.
        with_margin_B: cosine to the own class after the margin; None where no head with a margin was asked.
        margin_rad, s_eff: margin and s / T in force.
    """

    emb_BD: Tensor
    cos_BC: Tensor
    logits_BC: Tensor
    labels_B: Tensor
    same_image_B: Tensor | None = None
    with_margin_B: Tensor | None = None
    margin_rad: float = 0.0
    s_eff: float = math.nan

    @cached_property
    def z_BD(self) -> Tensor:
        """L2-normalised embeddings."""
        return normalize(self.emb_BD, dim=1)

    @cached_property
    def log_probs_BC(self) -> Tensor:
        return torch.log_softmax(self.logits_BC, dim=1)

    @cached_property
    def best_B(self) -> tuple[Tensor, Tensor]:
        """Largest logit and predicted class of each image."""
        values, classes = self.logits_BC.max(dim=1)
        return values, classes

    @cached_property
    def top_prob_B(self) -> Tensor:
        """Probability of each image's predicted class."""
        return self.log_probs_BC.gather(1, self.best_B[1][:, None]).squeeze(1).exp()
