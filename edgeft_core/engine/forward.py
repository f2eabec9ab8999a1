"""One forward pass, from a cached embedding or from pixels, up to the loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgeft_core.diagnostics.signals import BatchView, EmbeddingView
from edgeft_core.engine.embedder import Embedder, same_image_cosine
from edgeft_core.engine.pixels import Faces
from edgeft_core.models.heads import MarginHead


@dataclass(frozen=True)
class StepBatch:
    """What one step is taken on; exactly one of ``emb_BD`` and ``faces`` is there.

    Attributes:
        indices_B: the images' places in the data set, on the host.
        labels_B: true classes, on the device.
        emb_BD: embeddings of a frozen backbone.
        same_image_B: with ``emb_BD``: cosine with the other resolution, NaN where not measured.
        faces: pixels, where the backbone runs in this step.
    """

    indices_B: Tensor
    labels_B: Tensor
    emb_BD: Tensor | None = None
    same_image_B: Tensor | None = None
    faces: Faces | None = None


@dataclass(frozen=True)
class Forward:
    """A forward pass; ``total`` carries the gradient, the views are detached for signals."""

    total: Tensor
    loss: Tensor
    loss_contrastive: Tensor | None
    view: BatchView
    embeddings: EmbeddingView


def forward(batch: StepBatch, embedder: Embedder, head: MarginHead, contrastive_weight: float) -> Forward:
    """Cross-entropy with margin plus ``contrastive_weight`` x mean(1 - cos(SR, HR)).

    The other resolution is embedded without a gradient: SR is pulled towards HR, at half the price of pulling both.
    The term has no negatives, so it can only pull together.
    """
    emb_BD, same_B = _embedded(batch, embedder)
    out = head(emb_BD, batch.labels_B)
    total, contrastive = out.loss, None
    if contrastive_weight > 0.0 and same_B is not None and same_B.requires_grad:
        contrastive = (1.0 - same_B).mean()
        total = total + contrastive_weight * contrastive
    view = BatchView(
        out.own_cos_B,
        out.logits_BC,
        batch.labels_B,
        same_image_B=None if same_B is None else same_B.detach(),
        with_margin_B=out.with_margin_B,
        margin_rad=head.margin_rad,
        s_eff=head.effective_scale,
    )
    return Forward(
        total,
        out.loss.detach(),
        None if contrastive is None else contrastive.detach(),
        view,
        EmbeddingView(emb_BD.detach(), batch.labels_B),
    )


def _embedded(batch: StepBatch, embedder: Embedder) -> tuple[Tensor, Tensor | None]:
    if batch.faces is None:
        assert batch.emb_BD is not None
        return batch.emb_BD, batch.same_image_B
    faces = batch.faces
    emb_BD = embedder.in_parts(faces.images_B3HW) if embedder.trains else embedder.frozen(faces.images_B3HW)
    with torch.no_grad():
        twin_TD = embedder.in_parts(faces.twins_T3HW)
    return emb_BD, same_image_cosine(emb_BD, twin_TD)


@torch.no_grad()
def plain_logits(head: MarginHead, emb_ND: Tensor) -> Tensor:
    """s cos / T of embeddings and class weights, margin off, shape (N, C)."""
    return head.cosines(emb_ND) * head.effective_scale
