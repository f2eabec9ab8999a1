"""Who takes part in the training loop: each decides for itself whether a step or an epoch concerns it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.step import StepTaken
from edgeft_core.events import Event

if TYPE_CHECKING:
    from edgeft_core.engine.leg import Leg


class Collaborator:
    """Does nothing at every occasion; subclasses override what concerns them and return the events to tell."""

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:  # noqa: ARG002
        return ()

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:  # noqa: ARG002
        return ()

    def after_epoch(self, leg: Leg) -> Iterable[Event]:  # noqa: ARG002
        return ()

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold of it: tensors and plain values."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Take up where :meth:`state` was written."""
