"""Predictions beside the truth for a few images, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from edgeft_core.data import FaceDataset
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.step import StepTaken
from edgeft_core.events import Event, IntArray, SampleSet, SamplesTaken

TOP = 5
"""Predictions kept per image."""


@torch.no_grad()
def take(
    split: SampleSet, step: int, dataset: FaceDataset, rows_N: IntArray, logits_NC: Tensor
) -> SamplesTaken:
    """The most probable classes of some images from their logits s cos / T."""
    probs_NK, top_NK = torch.softmax(logits_NC, dim=1).topk(min(TOP, logits_NC.shape[1]), dim=1)
    return SamplesTaken(
        split=split,
        step=step,
        items_N=tuple(dataset.item_id(int(row)) for row in rows_N),
        labels_N=dataset.labels_N[rows_N],
        top_NK=top_NK.cpu().numpy(),
        probs_NK=probs_NK.float().cpu().numpy(),
    )


class TrainingSamples(Collaborator):
    """Samples of the first step, then of every ``every_steps``-th."""

    def __init__(self, images: int, every_steps: int) -> None:
        self._images = images
        self._every = every_steps

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:
        step = leg.session.position.step
        if step != 1 and step % self._every:
            return ()
        rows_N = batch.indices_B.numpy()[: self._images]
        logits_NC = taken.forward.view.logits_BC[: self._images]
        return (take("train", step, leg.session.dataset, rows_N, logits_NC),)


def spread(rows_N: IntArray, limit: int) -> IntArray:
    """At most ``limit`` of the rows, evenly spaced: the same ones every time."""
    if len(rows_N) <= limit:
        return rows_N
    places: IntArray = np.linspace(0, len(rows_N) - 1, limit).round().astype(np.int64)
    return rows_N[places]
