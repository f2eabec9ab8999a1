"""Embeddings of a few images beside the class weights: what a head makes of them can be worked out later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.examination import Embedded
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.samples import spread
from edgeft_core.engine.session import Session
from edgeft_core.engine.step import StepTaken
from edgeft_core.events import EmbeddingsTaken, Event, SampleSet
from edgeft_core.models.heads import MarginHead
from edgeft_core.models.heads.margin_head import unit

IMAGES_AT_MOST = 1000
"""Per set: 1 MB in half precision at 512 numbers each."""

WEIGHTS_AT_MOST = 8_000_000
"""Numbers in all class weights, 16 MB in half precision; a larger head is left to its checkpoint."""


class TrainingEmbeddings(Collaborator):
    """Those of the first batch, then of every ``every_steps``-th, as the step saw them."""

    def __init__(self, every_steps: int) -> None:
        self._every = every_steps

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:
        session, step = leg.session, leg.session.position.step
        if (step != 1 and step % self._every) or not is_small(session.head):
            return ()
        emb_BD, total = taken.forward.embeddings.emb_BD, len(session.train_rows_N)
        return (take("train", step, session.head, emb_BD, batch.labels_B, total=total),)


def take_scored(session: Session, split: SampleSet, embedded: Embedded) -> Iterator[EmbeddingsTaken]:
    """Those of images that were just scored, as far as their classes have training images."""
    known_N = session.trained_classes_C()[session.dataset.labels_N[embedded.rows_N]]
    places = np.flatnonzero(known_N)
    if len(places) and is_small(session.head):
        emb_ND = embedded.emb_ND[torch.from_numpy(places).to(session.device)]
        labels_N = torch.from_numpy(session.dataset.labels_N[embedded.rows_N[places]])
        total = len(session.dataset.splits[split])
        yield take(split, session.position.step, session.head, emb_ND, labels_N, total=total)


def is_small(head: MarginHead) -> bool:
    """Whether the class weights may be kept again and again."""
    return head.weight.numel() <= WEIGHTS_AT_MOST


@torch.no_grad()
def take(
    split: SampleSet, step: int, head: MarginHead, emb_ND: Tensor, labels_N: Tensor, *, total: int
) -> EmbeddingsTaken:
    """At most ``IMAGES_AT_MOST`` embeddings (not normalised), evenly spaced, with the head's weights and mean."""
    places = torch.from_numpy(spread(np.arange(len(emb_ND)), IMAGES_AT_MOST))
    return EmbeddingsTaken(
        split=split,
        step=step,
        total=total,
        labels_N=labels_N.cpu()[places].numpy().astype(np.int64),
        z_ND=unit(emb_ND[places.to(emb_ND.device)].float()).cpu().numpy(),
        w_CD=normalize(head.weight.float(), dim=1).cpu().numpy(),
        mean_D=head.running_mean.mean_D().float().cpu().numpy(),
    )
