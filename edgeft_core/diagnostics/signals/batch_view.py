"""What per-batch signals look at: the tensors of one step, with what several signals need computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

TOP = 5
"""Classes per image that count as nearly right."""


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
    def length_B(self) -> Tensor:
        """Length of each embedding."""
        length_B: Tensor = torch.linalg.vector_norm(self.emb_BD, dim=1)
        return length_B

    @cached_property
    def z_BD(self) -> Tensor:
        """L2-normalised embeddings."""
        return self.emb_BD / self.length_B.clamp_min(1e-12)[:, None]

    @cached_property
    def log_probs_BC(self) -> Tensor:
        return torch.log_softmax(self.logits_BC, dim=1)

    @cached_property
    def top_BK(self) -> tuple[Tensor, Tensor]:
        """The ``TOP`` largest logits of each image and their classes, best first."""
        values_BK, classes_BK = self.logits_BC.topk(min(TOP, self.logits_BC.shape[1]), dim=1)
        return values_BK, classes_BK

    @cached_property
    def predicted_B(self) -> Tensor:
        """Predicted class of each image."""
        return self.top_BK[1][:, 0]

    @cached_property
    def top5_hit_B(self) -> Tensor:
        """Whether each image's own class is among its five best."""
        return (self.top_BK[1] == self.labels_B[:, None]).any(dim=1)

    @cached_property
    def rival_logit_B(self) -> Tensor:
        """Largest logit of each image among the classes that are not its own."""
        values_BK, _ = self.top_BK
        return torch.where(self.predicted_B == self.labels_B, values_BK[:, 1], values_BK[:, 0])

    @cached_property
    def top_prob_B(self) -> Tensor:
        """Probability of each image's predicted class."""
        return self.log_probs_BC.amax(dim=1).exp()

    @cached_property
    def own_cos_B(self) -> Tensor:
        """Cosine of each image and its own class weight."""
        return self.cos_BC.gather(1, self.labels_B[:, None]).squeeze(1)

    @cached_property
    def own_logit_B(self) -> Tensor:
        """Logit of each image's own class."""
        return self.logits_BC.gather(1, self.labels_B[:, None]).squeeze(1)
