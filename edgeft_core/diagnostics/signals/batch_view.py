"""What per-batch signals look at: the tensors of steps, with what several signals need computed once.

The shapes are those of one step; with ``stacked`` a dimension for steps stands before them, and every signal gives one
number per step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from edgeft_core.diagnostics.signals.logits import first_best, top_k_hits

TOP = 5
"""Classes per image that count as nearly right."""


@dataclass(frozen=True)
class EmbeddingView:
    """Embeddings of one step, or of several, as the backbone gave them.

    Attributes:
        emb_BD: detached, float32, not normalised.
        labels_B: true classes, int64.
    """

    emb_BD: Tensor
    labels_B: Tensor

    @classmethod
    def stacked(cls, views: Sequence[EmbeddingView]) -> EmbeddingView:
        """Several steps as one, for which shapes must be the same."""
        return cls(
            torch.stack([one.emb_BD for one in views]),
            torch.stack([one.labels_B for one in views]),
        )

    @cached_property
    def length_B(self) -> Tensor:
        """Length of each embedding."""
        length_B: Tensor = torch.linalg.vector_norm(self.emb_BD, dim=-1)
        return length_B

    @cached_property
    def z_BD(self) -> Tensor:
        """L2-normalised embeddings."""
        return self.emb_BD / self.length_B.clamp_min(1e-12)[..., None]


@dataclass(frozen=True)
class BatchView:
    """What the head made of one step, or of several of one kind: detached, all on one device.

    Attributes:
        own_cos_B: plain cosine of each embedding and its own class weight.
        logits_BC: s cos / T, margin off.
        labels_B: true classes, int64.
        same_image_B: cosine of each image and its SR/HR twin, NaN where it was not measured; None if nowhere.
        with_margin_B: cosine to the own class after the margin; None where no head with a margin was asked.
        margin_rad, s_eff: margin and s / T in force.
    """

    own_cos_B: Tensor
    logits_BC: Tensor
    labels_B: Tensor
    same_image_B: Tensor | None = None
    with_margin_B: Tensor | None = None
    margin_rad: float = 0.0
    s_eff: float = math.nan

    @classmethod
    def stacked(cls, views: Sequence[BatchView]) -> BatchView:
        """Several steps as one, for which settings and shapes must be the same."""
        first = views[0]

        def several(name: str) -> Tensor | None:
            return (
                None if getattr(first, name) is None else torch.stack([getattr(one, name) for one in views])
            )

        return cls(
            torch.stack([one.own_cos_B for one in views]),
            torch.stack([one.logits_BC for one in views]),
            torch.stack([one.labels_B for one in views]),
            same_image_B=several("same_image_B"),
            with_margin_B=several("with_margin_B"),
            margin_rad=first.margin_rad,
            s_eff=first.s_eff,
        )

    def goes_with(self, other: BatchView) -> bool:
        """Whether both can be stacked."""
        return (
            self.logits_BC.shape == other.logits_BC.shape
            and (self.margin_rad, self.s_eff) == (other.margin_rad, other.s_eff)
            and (self.same_image_B is None) == (other.same_image_B is None)
            and (self.with_margin_B is None) == (other.with_margin_B is None)
        )

    @cached_property
    def probs_BC(self) -> Tensor:
        return torch.softmax(self.logits_BC, dim=-1)

    @cached_property
    def _best_B(self) -> tuple[Tensor, Tensor]:
        return first_best(self.logits_BC)

    @property
    def top_logit_B(self) -> Tensor:
        """Largest logit of each image."""
        return self._best_B[0]

    @property
    def predicted_B(self) -> Tensor:
        """Predicted class of each image."""
        return self._best_B[1]

    @cached_property
    def top5_hit_B(self) -> Tensor:
        """Whether each image's own class is among its ``TOP`` best."""
        return top_k_hits(self.logits_BC, self.labels_B, TOP)

    @cached_property
    def rival_logit_B(self) -> Tensor:
        """Largest logit of each image among the classes that are not its own."""
        others_BC = self.logits_BC.scatter(-1, self.labels_B[..., None], -math.inf)
        return others_BC.amax(dim=-1)

    @cached_property
    def top_prob_B(self) -> Tensor:
        """Probability of each image's predicted class."""
        return self.probs_BC.amax(dim=-1)

    @property
    def normaliser_B(self) -> Tensor:
        """ln(sum exp l) of each image, which is max l - ln max p."""
        return self.top_logit_B - self.top_prob_B.log()

    @cached_property
    def mean_logit(self) -> Tensor:
        """Mean over images and classes."""
        return self.logits_BC.mean(dim=(-2, -1))

    @property
    def n_classes(self) -> int:
        return self.logits_BC.shape[-1]

    @cached_property
    def own_logit_B(self) -> Tensor:
        """Logit of each image's own class."""
        return self.logits_BC.gather(-1, self.labels_B[..., None]).squeeze(-1)
