"""Who is it? Top-k of the head with the margin off, and of the nearest class mean, which needs no head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from edgeft_core.diagnostics.class_counts import effective_classes, max_class_share, unique_classes
from edgeft_core.diagnostics.signals.logits import top_k_hits


@dataclass(frozen=True)
class Identification:
    """Scores over N images; shares between 0 and 1, loss in nats."""

    images: int
    loss: float
    top1: float
    top5: float
    max_class_share: float
    effective_classes: float
    unique_classes: float

    def as_dict(self) -> dict[str, float]:
        """Signal name (without ``val_`` or ``test_``) -> value."""
        return {
            "loss": self.loss,
            "top1": self.top1,
            "top5": self.top5,
            "max_class_share": self.max_class_share,
            "effective_classes": self.effective_classes,
            "unique_classes": self.unique_classes,
        }


def identification(blocks: Iterable[tuple[Tensor, Tensor]]) -> Identification:
    """Score logits s cos / T without margin.

    Args:
        blocks: ``(logits_nC, labels_n)``, together all images; blocks keep N x C logits out of memory.
    """
    images = 0
    sums = torch.zeros(3, dtype=torch.float64)
    counts_C: npt.NDArray[np.int64] = np.zeros(0, np.int64)
    for logits_nC, labels_n in blocks:
        images += len(labels_n)
        sums[0] += cross_entropy(logits_nC, labels_n, reduction="sum").cpu()
        sums[1] += top_k_hits(logits_nC, labels_n, 1).sum().cpu()
        sums[2] += top_k_hits(logits_nC, labels_n, 5).sum().cpu()
        counts = torch.bincount(logits_nC.argmax(dim=1), minlength=logits_nC.shape[1]).cpu().numpy()
        counts_C = counts_C + counts if counts_C.size else counts
    loss, top1, top5 = (sums / max(1, images)).tolist()
    return Identification(
        images=images,
        loss=loss,
        top1=top1,
        top5=top5,
        max_class_share=max_class_share(counts_C),
        effective_classes=effective_classes(counts_C),
        unique_classes=float(unique_classes(counts_C)),
    )


def class_means(z_ND: Tensor, labels_N: Tensor, n_classes: int) -> Tensor:
    """Normalised mean embedding of each class, shape (C, D); zero where a class has no image."""
    sums_CD = z_ND.new_zeros(n_classes, z_ND.shape[1]).index_add_(0, labels_N, z_ND)
    return normalize(sums_CD, dim=1)


def nearest_class_mean(
    gallery_ND: Tensor,
    gallery_labels_N: Tensor,
    probe_MD: Tensor,
    probe_labels_M: Tensor,
    n_classes: int,
    *,
    centre: bool = False,
) -> Identification:
    """Classify each probe by the most similar class mean of the gallery; embeddings are normalised.

    It needs no trained head, so it tells what the embeddings alone can do. With ``centre`` the gallery's mean
    embedding is subtracted first: much better scores then mean that all faces share one direction.
    """
    if centre:
        mean_D = gallery_ND.mean(dim=0)
        gallery_ND, probe_MD = normalize(gallery_ND - mean_D, dim=1), normalize(probe_MD - mean_D, dim=1)
    means_CD = class_means(gallery_ND, gallery_labels_N, n_classes)
    return identification([(probe_MD @ means_CD.T, probe_labels_M)])
