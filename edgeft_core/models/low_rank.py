"""Low-rank linear layers, as the ``gamma`` variants of EdgeFace use them (George et al., 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LowRankLinear(nn.Module):
    """A linear layer factored into ``in x r`` (no bias) and ``r x out``.

    Args:
        rank: r; ``r (in + out)`` weights take the place of ``in out``.
        bias: whether the second factor has a bias.
    """

    def __init__(self, in_features: int, out_features: int, rank: int, bias: bool = True) -> None:
        super().__init__()
        self.linear1 = nn.Linear(in_features, rank, bias=False)
        self.linear2 = nn.Linear(rank, out_features, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear2(self.linear1(x))
        return out

    @classmethod
    def like(cls, linear: nn.Linear, rank: int) -> LowRankLinear:
        """A freshly initialised layer with the same ends as ``linear``."""
        return cls(linear.in_features, linear.out_features, rank, linear.bias is not None)

    @classmethod
    @torch.no_grad()
    def approximating(cls, linear: nn.Linear, rank: int) -> LowRankLinear:
        """The best approximation of ``linear`` at this rank (truncated SVD, both factors of equal norm)."""
        layer = cls.like(linear, rank)
        left, values, right = torch.linalg.svd(linear.weight, full_matrices=False)
        root = values[:rank].sqrt()
        layer.linear2.weight.copy_(left[:, :rank] * root)
        layer.linear1.weight.copy_(root[:, None] * right[:rank])
        if linear.bias is not None:
            layer.linear2.bias.copy_(linear.bias)
        return layer


def rank_for(linear: nn.Linear, ratio: float) -> int:
    """``max(2, int(min(in, out) * ratio))``."""
    return max(2, int(min(linear.in_features, linear.out_features) * ratio))


def factor_linears(module: nn.Module, ratio: float, *, approximate: bool = False) -> None:
    """Replace, in place, every linear layer whose own name has no "head" by a low-rank one.

    A layer inside a module called head counts by its own name: the classifier ``head.fc`` is factored too.

    Args:
        approximate: keep what the layers compute as well as the rank allows, instead of starting anew.
    """
    make = LowRankLinear.approximating if approximate else LowRankLinear.like
    for name, child in module.named_children():
        if isinstance(child, nn.Linear) and "head" not in name:
            setattr(module, name, make(child, rank_for(child, ratio)))
        else:
            factor_linears(child, ratio, approximate=approximate)
