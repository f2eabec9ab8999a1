"""How similar are faces of one image, of one person, of different people? Only together do they mean something."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

IMAGES_AT_MOST = 4096
"""Pairs are formed among at most so many images, spread evenly over those given."""
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Similarity:
    """Mean cosines; NaN where there is no such pair.

    Attributes:
        same_image: SR and HR version of one image.
        same: different images of one person.
        different: images of different people.
        d_prime: (same - different) / sqrt((var same + var different) / 2); 0 = no identity information.
    """

    same_image: float
    same: float
    different: float
    d_prime: float

    def as_dict(self) -> dict[str, float]:
        """The signals ``cos_same_image``, ``cos_same``, ``cos_different``, ``d_prime`` that have a value."""
        values = {
            "cos_same_image": self.same_image,
            "cos_same": self.same,
            "cos_different": self.different,
            "d_prime": self.d_prime,
        }
        return {name: value for name, value in values.items() if math.isfinite(value)}


def similarity(z_ND: Tensor, labels_N: Tensor, twin_ND: Tensor | None = None) -> Similarity:
    """Cosines of pairs of normalised embeddings; ``twin_ND`` are the same images in the other resolution."""
    same_image = math.nan if twin_ND is None else float((z_ND * twin_ND).sum(dim=1).mean())
    if len(z_ND) > IMAGES_AT_MOST:
        rows = torch.linspace(0, len(z_ND) - 1, IMAGES_AT_MOST, device=z_ND.device).long()
        z_ND, labels_N = z_ND[rows], labels_N[rows]
    if z_ND.device.type == "mps":  # which knows no float64
        z_ND, labels_N = z_ND.cpu(), labels_N.cpu()
    same, different = _pair_moments(z_ND, labels_N)
    spread = math.sqrt((same.variance + different.variance) / 2.0)
    gap = same.mean - different.mean
    return Similarity(same_image, same.mean, different.mean, gap / spread if spread > 0.0 else math.nan)


@dataclass
class _Moments:
    n: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def add(self, values: Tensor) -> None:
        values = values.double()
        self.n += values.numel()
        self.total += float(values.sum())
        self.squares += float(values.square().sum())

    @property
    def mean(self) -> float:
        return self.total / self.n if self.n else math.nan

    @property
    def variance(self) -> float:
        return max(0.0, self.squares / self.n - self.mean**2) if self.n else math.nan


def _pair_moments(z_ND: Tensor, labels_N: Tensor) -> tuple[_Moments, _Moments]:
    """Moments of the cosines of all pairs i < j: of one person, and of different people."""
    same, different = _Moments(), _Moments()
    for start in range(0, len(z_ND), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        cos = z_ND[rows] @ z_ND.T
        is_pair = torch.ones_like(cos, dtype=torch.bool).triu_(diagonal=start + 1)
        is_same = labels_N[rows][:, None] == labels_N
        same.add(cos[is_pair & is_same])
        different.add(cos[is_pair & ~is_same])
    return same, different
