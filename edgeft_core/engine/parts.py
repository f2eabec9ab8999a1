"""A batch that does not fit into memory goes through the backbone in parts; the step is of the whole batch.

Gradients are accumulated part by part: only embeddings of the whole batch are kept, and each part is embedded a second
time on the way back. So the head, its running mean and every signal see the same batch as before.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.device import describe
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.step import StepTaken
from edgeft_core.events import Event, Notice


class PartsNotice(Collaborator):
    """Says so when batches begin to go through the backbone in parts."""

    def __init__(self) -> None:
        self._told = 0

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:  # noqa: ARG002
        embedder = leg.session.embedder
        if embedder.part == self._told:
            return ()
        self._told = embedder.part
        notice = Notice(
            "warning",
            leg.session.position.step,
            f"A batch of {len(batch.labels_B)} images does not fit into the memory of {describe(embedder.device)}: "
            f"from here on it goes through the backbone {embedder.part} images at a time, and gradients are added up. "
            "Every step is still of the whole batch, but takes about a third longer; a smaller data.batch_size "
            "would be faster.",
        )
        return (notice,)
