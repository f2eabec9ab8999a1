"""Validation of every head of a sweep: plain cosines, never with a margin."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from edgeft_core.diagnostics.signals.logits import top_k_hits
from edgeft_core.labs.sweep.tile import Tile
from edgeft_core.labs.sweep.window import shares

SCORES = ("val_max_class_share", "val_effective_classes", "val_top1", "val_top5", "val_loss")
LOGITS_AT_ONCE = 2**20


@dataclass(frozen=True)
class Probe:
    """Validation images as unit embeddings, and the same with the running mean removed."""

    z_ND: Tensor
    centred_ND: Tensor
    labels_N: Tensor

    def score(self, tile: Tile) -> Tensor:
        """:data:`SCORES` of each of a tile's heads, shape (k, 5)."""
        n, k = len(self.labels_N), len(tile.weight_kCD)
        n_classes = tile.weight_kCD.shape[1]
        sums_k3 = self.z_ND.new_zeros(k, 3)
        predicted_kN = self.labels_N.new_empty(k, n)
        rows_at_once = max(1, LOGITS_AT_ONCE // (k * n_classes))
        for start in range(0, n, rows_at_once):
            rows = slice(start, start + rows_at_once)
            z_nD = (self.centred_ND if tile.centre else self.z_ND)[rows]
            logits_nkC = tile.cosines(z_nD)[0].mul_(tile.rule.s_eff_K1)
            predicted_kN[:, rows] = logits_nkC.argmax(dim=2).T
            sums_k3 += _sums(logits_nkC, self.labels_N[rows])
        top1_k, top5_k, loss_k = (sums_k3 / n).unbind(dim=1)
        return torch.column_stack([*shares(predicted_kN, n_classes), top1_k, top5_k, loss_k])


def nothing(tile: Tile) -> Tensor:
    """The scores where there is no image to validate with: NaN."""
    return tile.weight_kCD.new_full((len(tile.weight_kCD), len(SCORES)), torch.nan)


def _sums(logits_nkC: Tensor, labels_n: Tensor) -> Tensor:
    """Hits among one, hits among five, and loss, each summed over the images, shape (k, 3)."""
    n, k, n_classes = logits_nkC.shape
    flat_XC = logits_nkC.view(n * k, n_classes)
    labels_X = labels_n[:, None].expand(n, k).reshape(-1)
    losses_X = cross_entropy(flat_XC, labels_X, reduction="none")
    each_X3 = torch.column_stack(
        [top_k_hits(flat_XC, labels_X, 1).float(), top_k_hits(flat_XC, labels_X, 5).float(), losses_X]
    )
    return each_X3.view(n, k, 3).sum(dim=0)
