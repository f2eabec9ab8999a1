"""Signals of how far one optimiser step moved a group of parameters.

A group is a sequence of tensors; ``before`` and ``after`` list the same tensors around the step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def update_ratio(before: Sequence[Tensor], after: Sequence[Tensor]) -> Tensor:
    """||after - before|| / ||before|| over all tensors of a group together.

    Range 0 to infinity. 0 = not trained; about 1e-3 is usual with Adam; above 1e-2 the step is too hot once the
    first steps are over. A group of zeros that moves gives infinity.

    Reference: Karpathy, "CS231n, Neural Networks Part 3", ratio of weights and updates.
    """
    moved = [new - old for old, new in zip(before, after, strict=True)]
    return _norm(moved) / _norm(before)


def unchanged_share(before: Sequence[Tensor], after: Sequence[Tensor]) -> Tensor:
    """Share of the group's numbers that the step left exactly as they were.

    Range 0 to 1: 1 = the group is not trained at all (frozen, not in the optimiser, or a learning rate of 0).
    A learning rate below the precision of float32 leaves numbers unchanged too: that is no training either.
    """
    same = [(new == old).sum() for old, new in zip(before, after, strict=True)]
    total = sum(one.numel() for one in before)
    return torch.stack(same).sum() / total


def _norm(tensors: Sequence[Tensor]) -> Tensor:
    lengths: Tensor = torch.stack([torch.linalg.vector_norm(one.float()) for one in tensors])
    return lengths.square().sum().sqrt()
