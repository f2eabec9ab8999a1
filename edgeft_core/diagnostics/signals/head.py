"""Signals of the head's class weights (prototypes).

Shapes: C classes, D coordinates; ``w_CD`` are L2-normalised class weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROWS_AT_ONCE = 1024
"""The C x C cosines are looked at in blocks of rows, so that 100 000 classes need no 40 GB."""


def mean_cosine(w_CD: Tensor) -> Tensor:
    """Mean off-diagonal cosine between class weights, (||sum w||^2 - C) / (C (C - 1)).

    Range -1/(C-1) to 1. Random about 0; 1 = prototypes merged. Perfectly spread classes give -1/(C-1).
    """
    n = w_CD.shape[0]
    return (w_CD.sum(dim=0).square().sum() - n) / (n * (n - 1))


def max_cosine(w_CD: Tensor) -> Tensor:
    """Largest off-diagonal cosine between two class weights. Range -1 to 1; 1 = two classes merged."""
    best = w_CD.new_tensor(-1.0)
    for start in range(0, w_CD.shape[0], ROWS_AT_ONCE):
        cos = w_CD[start : start + ROWS_AT_ONCE] @ w_CD.T
        cos.diagonal(offset=start).fill_(-1.0)
        best = torch.maximum(best, cos.max())
    return best
