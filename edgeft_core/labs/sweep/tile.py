"""Some heads of a sweep that take their steps together: forward, gradient, clip, update, in one product each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgeft_core.labs.sweep.adamw import adamw_
from edgeft_core.labs.sweep.rule import Rule

SHORTEST = 1e-12  # as the engine's heads: a class weight is never divided by less


@dataclass(frozen=True)
class Step:
    """What all heads share in one step.

    Attributes:
        number: 1-based, of the sweep's stage.
        z_BD, centred_BD: unit embeddings, and the same with the running mean removed.
        labels_B: true classes.
        factor: share of the peak learning rates in force.
    """

    number: int
    z_BD: Tensor
    centred_BD: Tensor
    labels_B: Tensor
    factor: float


@dataclass(frozen=True)
class Guess:
    """What the heads said before the step, margin off, shape (B, k): predicted class, and is the own among five."""

    predicted_Bk: Tensor
    among_five_Bk: Tensor


@dataclass(frozen=True)
class Scratch:
    """Memory for the gradient and the update of the largest tile; one per thread."""

    grad: Tensor
    update: Tensor

    @classmethod
    def of(cls, numbers: int, device: torch.device) -> Scratch:
        return cls(torch.empty(numbers, device=device), torch.empty(numbers, device=device))


@dataclass(frozen=True)
class Tile:
    """k heads of the same centring, as views of their block's tensors.

    Attributes:
        weight_kCD, mean_kCD, square_kCD: class weights and AdamW's two moments.
        rate_k11: peak learning rates.
        clip_norm, weight_decay: as the stage has them.
    """

    heads: slice
    centre: bool
    weight_kCD: Tensor
    mean_kCD: Tensor
    square_kCD: Tensor
    rule: Rule
    rate_k11: Tensor
    clip_norm: float
    weight_decay: float

    def cosines(self, z_BD: Tensor) -> tuple[Tensor, Tensor]:
        """cos_BkC of embeddings and class weights, and the weights' lengths, shape (k, C)."""
        k, n_classes, dim = self.weight_kCD.shape
        length_kC: Tensor = torch.linalg.vector_norm(self.weight_kCD, dim=2).clamp_min_(SHORTEST)
        product_BkC = (z_BD @ self.weight_kCD.view(-1, dim).T).view(len(z_BD), k, n_classes)
        return product_BkC.div_(length_kC), length_kC

    def take(self, step: Step, scratch: Scratch) -> Guess:
        """Take one step; the heads' guesses are those of before it."""
        z_BD = step.centred_BD if self.centre else step.z_BD
        cos_BkC, length_kC = self.cosines(z_BD)
        places_Bk1 = step.labels_B[:, None, None].expand(-1, len(self.weight_kCD), 1)
        own_Bk1 = cos_BkC.gather(2, places_Bk1)
        guess = Guess(cos_BkC.argmax(dim=2), (cos_BkC >= own_Bk1).sum(dim=2) <= 5)
        grad_BkC = self.rule.gradient(cos_BkC, own_Bk1, places_Bk1)
        size = self.weight_kCD.shape
        grad_kCD = scratch.grad[: size.numel()].view(size)
        self._weight_gradient(grad_BkC, cos_BkC, length_kC, z_BD, grad_kCD)
        adamw_(
            self.weight_kCD,
            grad_kCD,
            self.mean_kCD,
            self.square_kCD,
            scratch.update[: size.numel()].view(size),
            rate_K11=self.rate_k11 * step.factor,
            weight_decay=self.weight_decay,
            step=step.number,
        )
        return guess

    def _weight_gradient(
        self, grad_BkC: Tensor, cos_BkC: Tensor, length_kC: Tensor, z_BD: Tensor, out_kCD: Tensor
    ) -> None:
        """The clipped gradient of the class weights; ``grad_BkC`` is consumed.

        cos = z w / |w|, so  d cos / d w = z / |w| - cos w / |w|^2. The second part is a multiple of w itself, at
        right angles to the whole, which gives the norm without looking at the large gradient: with
        u = sum_b g_b z_b / |w|, |grad|^2 = |u|^2 - |second part|^2, and |u|^2 needs products of faces only.
        """
        pull_kC = (grad_BkC * cos_BkC).sum(dim=0).div_(length_kC)  # of the unit weight
        flat_BX = grad_BkC.div_(length_kC).flatten(1)
        squares_kC = ((z_BD @ z_BD.T) @ flat_BX).mul_(flat_BX).sum(dim=0).view_as(pull_kC)
        norm_k1 = (squares_kC - pull_kC.square()).sum(dim=1, keepdim=True).clamp_min_(0.0).sqrt_()
        scale_k1 = (self.clip_norm / (norm_k1 + 1e-6)).clamp_max_(1.0)  # as torch's clip_grad_norm_
        grad_BkC.mul_(scale_k1)
        torch.mm(flat_BX.T, z_BD, out=out_kCD.view(-1, z_BD.shape[1]))
        out_kCD.addcmul_(self.weight_kCD, pull_kC.mul_(scale_k1).div_(length_kC)[:, :, None], value=-1.0)
