"""The first batch as it looks before anything is trained: it tells embedding trouble from head trouble."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.forward import StepBatch, plain_logits
from edgeft_core.engine.leg import Leg
from edgeft_core.events import Event, FirstBatch

SHOWN = 10
"""Predictions beside true labels, as in the debug output that started this project."""


class FirstLook(Collaborator):
    """Looks at the first batch of the run, once."""

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:
        return (look(leg, batch),) if leg.session.position.step == 0 else ()


@torch.no_grad()
def look(leg: Leg, batch: StepBatch) -> FirstBatch:
    """Embeddings and logits of a batch under the network as it is."""
    embedder, head = leg.session.embedder, leg.session.head
    if batch.faces is None:
        assert batch.emb_BD is not None
        emb_BD = batch.emb_BD
    else:
        emb_BD = embedder.frozen(batch.faces.images_B3HW)
    head.eval()
    logits_BC = plain_logits(head, emb_BD)
    return FirstBatch(
        embedding_mean=float(emb_BD.mean()),
        embedding_std=float(emb_BD.std()),
        logit_mean=float(logits_BC.mean()),
        logit_std=float(logits_BC.std()),
        predicted=tuple(logits_BC[:SHOWN].argmax(dim=1).tolist()),
        true=tuple(batch.labels_B[:SHOWN].tolist()),
    )
