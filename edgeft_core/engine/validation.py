"""Validation after epochs: scores, samples, the best so far, and when to stop early."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.embeddings_taken import take_scored
from edgeft_core.engine.examination import Embedded, embed_split, score
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.step import StepTaken
from edgeft_core.events import Event, SignalsMeasured


class Standing:
    """The best validation so far, and how long it has been the best.

    Better means a higher Top-1, then a higher Top-5, then a lower loss; where nobody can be identified, a higher d'.
    """

    def __init__(self) -> None:
        self.best: list[float] = []
        self.best_step = 0
        self.epochs_since = 0
        self.improved = False
        self.scalars: dict[str, float] = {}

    def judge(self, scalars: dict[str, float], step: int, epochs: int) -> None:
        """Compare a validation that came ``epochs`` after the one before."""
        if "val_top1" in scalars:
            merit = [scalars["val_top1"], scalars["val_top5"], -scalars["val_loss"]]
        else:
            merit = [scalars.get("val_d_prime", 0.0)]
        self.scalars = scalars
        self.improved = not self.best or merit > self.best
        if self.improved:
            self.best, self.best_step, self.epochs_since = merit, step, 0
        else:
            self.epochs_since += epochs

    def state(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "best_step": self.best_step,
            "epochs_since": self.epochs_since,
            "scalars": self.scalars,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.best = list(state["best"])
        self.best_step = int(state["best_step"])
        self.epochs_since = int(state["epochs_since"])
        self.scalars = dict(state["scalars"])


class Validator(Collaborator):
    """Validates every so many epochs, as the setting in force says, and after the last one of a stage."""

    def __init__(self, images: int) -> None:
        self._images = images
        self._frozen: Embedded | None = None
        self.standing = Standing()

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:  # noqa: ARG002
        if leg.session.embedder.trains:
            self._frozen = None
        return ()

    def after_epoch(self, leg: Leg) -> Iterator[Event]:
        session, position = leg.session, leg.session.position
        every = session.live.config.monitor.validate_every_epochs
        last = position.epoch >= leg.epochs
        self.standing.improved = False
        if last or position.epoch % every == 0:
            embedded = yield from self._embedded(leg)
            scores = score(session, "validation", embedded)
            if scores.samples is not None:
                yield SignalsMeasured(position.step, scores.scalars)
                yield scores.samples
                yield from take_scored(session, "validation", embedded)
                self.standing.judge(scores.scalars, position.step, every)
        if last:
            leg.over = "complete"
        elif self.standing.epochs_since >= leg.settings.patience_epochs:
            leg.over = "early_stop"
        if leg.over:
            self.standing.epochs_since = 0

    def _embedded(self, leg: Leg) -> Generator[Event, None, Embedded]:
        """Under a frozen backbone the images are embedded once."""
        if leg.session.embedder.trains:
            return (yield from embed_split(leg.session, "validation", self._images))
        if self._frozen is None:
            self._frozen = yield from embed_split(leg.session, "validation", self._images)
        return self._frozen

    def state(self) -> dict[str, Any]:
        return self.standing.state()

    def load(self, state: dict[str, Any]) -> None:
        self.standing.load(state)
        self._frozen = None
