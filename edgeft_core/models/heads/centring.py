"""The direction that all embeddings share, estimated as training goes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

# A centred embedding shorter than this (mean cosine above 0.999999) is rounding noise: it is not blown up.
SHORTEST = 1e-3


class RunningMean(nn.Module):
    """Exponential moving average of the mean normalised embedding.

    The mean is that of unit vectors, so a few long embeddings cannot dominate it. The average of the weights that
    went in is kept beside it and divided out (as Adam does): after one batch it is that batch's mean.
    Both are buffers, so a checkpoint holds them; nothing waits for the device.

    Args:
        momentum: share of the old average kept per batch; 0.99 looks back over about 100 batches.
    """

    average_D: Tensor
    total: Tensor

    def __init__(self, embedding_dim: int, momentum: float = 0.99) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("average_D", torch.zeros(embedding_dim))
        self.register_buffer("total", torch.zeros(()))

    @torch.no_grad()
    def update(self, z_BD: Tensor) -> None:
        """Take in one batch of unit vectors; a batch with NaN or Inf is left out, for it would stay for good."""
        mean_D = z_BD.mean(dim=0)
        share = (1.0 - self.momentum) * torch.isfinite(mean_D).all()
        self.average_D.lerp_(torch.nan_to_num(mean_D, posinf=0.0, neginf=0.0), share)
        self.total.lerp_(torch.ones_like(self.total), share)

    def mean_D(self) -> Tensor:
        """The mean embedding; zero before the first batch."""
        return self.average_D / self.total.clamp_min(1e-12)

    def remove_from(self, z_BD: Tensor) -> Tensor:
        """Unit vectors with the mean subtracted, normalised again; the mean itself gets no gradient."""
        return normalize(z_BD - self.mean_D(), dim=1, eps=SHORTEST)
