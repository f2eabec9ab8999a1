"""What all heads share: cosines to the class weights, scale, temperature, centring and the loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear, normalize

from edgeft_core.models.heads.centring import RunningMean

WEIGHT_STD = 0.01  # ArcFace's initialisation; only the direction counts


@dataclass(frozen=True)
class HeadOutput:
    """One batch through a head.

    Attributes:
        loss: scalar with gradient; margin, scale, temperature and label smoothing in force.
        cos_BC: cosine of every embedding and every class weight, no margin; without gradient.
        logits_BC: ``scale * cos / temperature``, no margin; without gradient. Accuracy is computed from these.
        own_cos_B: cosine of every embedding and its own class' weight, no margin; without gradient.
        with_margin_B: that cosine after the margin; without gradient.
    """

    loss: Tensor
    cos_BC: Tensor
    logits_BC: Tensor
    own_cos_B: Tensor
    with_margin_B: Tensor


class MarginHead(nn.Module, ABC):
    """Classes are directions; an embedding belongs to the class with the smallest angle.

    ``scale``, ``margin_rad``, ``temperature``, ``centre`` and ``label_smoothing`` are plain attributes: they may
    change between any two steps, and only ``scale / temperature`` matters. The head computes in float32 whatever
    autocast says, for an angle near 0 is lost in half precision. In eval mode the loss is plain cross-entropy,
    without margin and label smoothing.

    Args:
        scale: s; cosines are multiplied by it.
        margin_rad: m; what it is added to is the subclass' matter.
        temperature: T; logits are divided by it.
        centre: subtract the running mean of the normalised embeddings
            (:class:`~edgeft_core.models.heads.centring.RunningMean`) and normalise again. The mean is kept up to
            date in training whether this is on or off.
        generator: source of the initial class weights (normal, std 0.01).
    """

    def __init__(
        self,
        embedding_dim: int,
        n_classes: int,
        *,
        scale: float = 16.0,
        margin_rad: float = 0.2,
        temperature: float = 1.0,
        centre: bool = False,
        label_smoothing: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.margin_rad = margin_rad
        self.temperature = temperature
        self.centre = centre
        self.label_smoothing = label_smoothing
        self.weight = nn.Parameter(torch.empty(n_classes, embedding_dim))
        self.running_mean = RunningMean(embedding_dim)
        nn.init.normal_(self.weight, std=WEIGHT_STD, generator=generator)

    @abstractmethod
    def with_margin(self, cos_B1: Tensor) -> Tensor:
        """The cosine to the own class, made worse by the margin."""

    @property
    def effective_scale(self) -> float:
        """s / T, the only number through which scale and temperature act."""
        return self.scale / self.temperature

    def forward(self, emb_BD: Tensor, labels_B: Tensor) -> HeadOutput:
        """Loss and margin-free scores of one batch; in training it also updates the running mean."""
        with torch.autocast(emb_BD.device.type, enabled=False):
            z_BD = unit(emb_BD.float())
            if self.training:
                self.running_mean.update(z_BD.detach())
            return self.scored(self._cosines_of_unit(z_BD), labels_B)

    def cosines(self, emb_BD: Tensor) -> Tensor:
        """cos_BC with gradient, centred if centring is on; changes nothing."""
        with torch.autocast(emb_BD.device.type, enabled=False):
            return self._cosines_of_unit(unit(emb_BD.float()))

    def _cosines_of_unit(self, z_BD: Tensor) -> Tensor:
        if self.centre:
            z_BD = self.running_mean.remove_from(z_BD)
        # Dividing the products by the weights' lengths costs a C-vector; normalising the weights costs two
        # more C x D arrays.
        length_C: Tensor = torch.linalg.vector_norm(self.weight, dim=1).clamp_min(1e-12)
        return linear(z_BD, self.weight) / length_C

    def scored(self, cos_BC: Tensor, labels_B: Tensor) -> HeadOutput:
        """Loss and scores from cosines to the class weights, shape (B, C)."""
        labels_B1 = labels_B[:, None]
        own_B1 = cos_BC.gather(1, labels_B1)
        target_B1 = self.with_margin(own_B1)
        logits_BC = cos_BC * self.effective_scale
        if self.training:
            margin_BC = logits_BC.scatter(1, labels_B1, target_B1 * self.effective_scale)
            loss = cross_entropy(margin_BC, labels_B, label_smoothing=self.label_smoothing)
        else:
            loss = cross_entropy(logits_BC, labels_B)
        own_B, target_B = own_B1.detach().squeeze(1), target_B1.detach().squeeze(1)
        return HeadOutput(loss, cos_BC.detach(), logits_BC.detach(), own_B, target_B)

    def extra_repr(self) -> str:
        n_classes, embedding_dim = self.weight.shape
        return (
            f"{embedding_dim} -> {n_classes}, scale={self.scale}, margin_rad={self.margin_rad}, "
            f"temperature={self.temperature}, centre={self.centre}, label_smoothing={self.label_smoothing}"
        )


def unit(emb_BD: Tensor) -> Tensor:
    """L2-normalised rows; a row of zeros stays zero, with a bounded gradient."""
    return normalize(emb_BD, dim=1, eps=1e-6)
