"""Signals of the head's class weights (prototypes).

Shapes: C classes, D coordinates; ``w_CD`` are L2-normalised class weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

CLASSES_AT_MOST = 1536
"""Of more classes as many, evenly spaced, are compared: all pairs of 100 000 would cost minutes and 40 GB."""

_ROWS_AT_ONCE = 128


def mean_cosine(w_CD: Tensor) -> Tensor:
    """Mean off-diagonal cosine between class weights, (||sum w||^2 - C) / (C (C - 1)).

    Range -1/(C-1) to 1. Random about 0; 1 = prototypes merged. Perfectly spread classes give -1/(C-1).
    """
    n = w_CD.shape[0]
    return (w_CD.sum(dim=0).square().sum() - n) / (n * (n - 1))


def max_cosine(w_CD: Tensor) -> Tensor:
    """Largest off-diagonal cosine between two class weights, among ``CLASSES_AT_MOST`` where there are more.

    Range -1 to 1; 1 = two classes merged.
    """
    w_CD = w_CD[:: -(-w_CD.shape[0] // CLASSES_AT_MOST)]
    best = w_CD.new_tensor(-1.0)
    for start in range(0, w_CD.shape[0], _ROWS_AT_ONCE):
        cos = w_CD[start : start + _ROWS_AT_ONCE] @ w_CD[start:].T  # pairs with earlier rows were seen there
        cos.diagonal().fill_(-1.0)
        best = torch.maximum(best, cos.amax())
    return best
