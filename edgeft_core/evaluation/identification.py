"""Who is it? Top-k of the head with the margin off, and of the nearest class mean, which needs no head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from edgeft_core.diagnostics.class_counts import effective_classes, max_class_share, unique_classes
from edgeft_core.diagnostics.signals.logits import top_k_hits


@dataclass(frozen=True)
class Identification:
    """Scores over N images; shares between 0 and 1."""

    images: int
    loss: float
    top1: float
    top5: float
    max_class_share: float
    effective_classes: float
    unique_classes: float

    def as_dict(self) -> dict[str, float]:
        """Signal name (without ``val_``) -> value."""
        return {
            "loss": self.loss,
            "top1": self.top1,
            "top5": self.top5,
            "max_class_share": self.max_class_share,
            "effective_classes": self.effective_classes,
            "unique_classes": self.unique_classes,
        }


def identification(logits_NC: Tensor, labels_N: Tensor) -> Identification:
    """Score logits s cos / T without margin: cross-entropy in nats, Top-1, Top-5 and the use of classes."""
    n_classes = logits_NC.shape[1]
    counts_C = torch.bincount(logits_NC.argmax(dim=1), minlength=n_classes).cpu().numpy()
    return Identification(
        images=len(labels_N),
        loss=float(cross_entropy(logits_NC, labels_N)),
        top1=float(top_k_hits(logits_NC, labels_N, 1).float().mean()),
        top5=float(top_k_hits(logits_NC, labels_N, 5).float().mean()),
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
    """Classify each probe by the most similar class mean of the gallery.

    It needs no trained head, so it tells what the embeddings alone can do. With ``centre`` the gallery's mean
    embedding is subtracted first: much better scores then mean that all faces share one direction.
    """
    if centre:
        mean_D = gallery_ND.mean(dim=0)
        gallery_ND, probe_MD = normalize(gallery_ND - mean_D, dim=1), normalize(probe_MD - mean_D, dim=1)
    cos_MC = probe_MD @ class_means(gallery_ND, gallery_labels_N, n_classes).T
    return identification(cos_MC, probe_labels_M)
