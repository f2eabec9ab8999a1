"""One stage while it runs: its feed, its optimiser and its place on the learning-rate schedule."""

from __future__ import annotations

from typing import Any, Literal

from edgeft_core.config import StageConfig
from edgeft_core.engine.feeds import Feed, build_feed
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.nonfinite import explain
from edgeft_core.engine.optimisers import rate_factor
from edgeft_core.engine.session import Session
from edgeft_core.engine.step import NonFiniteStepError, Stepper, StepTaken
from edgeft_core.errors import NonFiniteError
from edgeft_core.events import IntArray, StageEnded, StageStarted


class Leg:
    """Stage ``index`` of the run.

    Attributes:
        over: whether the stage has ended, and why; None while it goes on.
        left: whether the run goes on elsewhere, because it was taken back to a checkpoint.
        turns: goes up whenever the batch in hand is no longer the one to take a step on.
    """

    def __init__(self, session: Session, index: int) -> None:
        self.session = session
        self.index = index
        self.over: Literal["complete", "early_stop"] | None = None
        self.left = False
        self.turns = 0
        if session.position.epoch >= self.epochs:  # resumed with fewer epochs than it had done
            self.over = "complete"
        self.feed, self.stepper = self._equipment()

    def _equipment(self) -> tuple[Feed, Stepper]:
        """What the stage's settings in force ask for."""
        session, trains = self.session, self.settings.train_backbone
        session.embedder.train_mode(trains)
        session.backbone_changed |= trains
        feed = build_feed(session, self.index)
        return feed, Stepper(session.embedder, session.head, session.precision)

    def leave(self) -> None:
        """Take no more steps here."""
        self.left = True
        self.turns += 1

    def follow_settings(self, before: StageConfig) -> None:
        """Make true what settings that changed from ``before`` ask for besides another number in the next step."""
        now = self.settings
        if now.train_backbone != before.train_backbone:
            self.feed.close()
            stepper = self.stepper
            self.feed, self.stepper = self._equipment()
            self.stepper.take_over(stepper)
            self.turns += 1
        elif (now.contrastive_weight > 0.0) != (before.contrastive_weight > 0.0):
            self.turns += (
                1  # the batch in hand was made with too few twins for it, or with more than it needs
            )

    @property
    def settings(self) -> StageConfig:
        """The stage's settings in force."""
        return self.session.live.stage(self.index)

    @property
    def epochs(self) -> int:
        return self.settings.epochs

    @property
    def steps_done(self) -> int:
        """Steps of this stage so far."""
        position = self.session.position
        return position.epoch * self.session.steps_per_epoch + position.batch

    @property
    def epoch_position(self) -> float:
        """Position within the stage in epochs, after the steps done so far."""
        position = self.session.position
        return position.epoch + position.batch / self.session.steps_per_epoch

    def step(self, batch: StepBatch) -> StepTaken:
        """Take the next step and move on.

        Raises:
            NonFiniteError: loss or gradients are not finite; says where.
        """
        position, steps = self.session.position, self.session.steps_per_epoch
        factor = rate_factor(self.settings, self.steps_done, self.epochs * steps)
        try:
            taken = self.stepper(batch, self.settings, factor)
        except NonFiniteStepError:
            raise self.nonfinite(position.step + 1, position.epoch, batch.indices_B.numpy()) from None
        position.step += 1
        position.batch += 1
        return taken

    def nonfinite(self, step: int, epoch: int, rows_B: IntArray) -> NonFiniteError:
        """The error for a step that was not finite."""
        return explain(
            self.feed.again(rows_B, epoch),
            self.session.embedder,
            self.session.head,
            self.settings.contrastive_weight,
            step=step,
            stage_name=self.settings.name,
        )

    def started(self) -> StageStarted:
        trained = {"head": self.session.head, "backbone": self.session.embedder.backbone}
        return StageStarted(
            stage=self.index,
            name=self.settings.name,
            step=self.session.position.step,
            epochs=self.epochs,
            steps_per_epoch=self.session.steps_per_epoch,
            cached=self.feed.cached,
            trainable={
                name: sum(p.numel() for p in module.parameters() if p.requires_grad)
                for name, module in trained.items()
            },
        )

    def ended(self) -> StageEnded:
        return StageEnded(self.index, self.session.position.step, self.over or "complete")

    def state(self) -> dict[str, Any]:
        return {"optimiser": self.stepper.optimiser.state_dict(), "scaler": self.stepper.scaler.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.stepper.optimiser.load_state_dict(state["optimiser"])
        if state["scaler"]:  # empty where it was written without mixed precision
            self.stepper.scaler.load_state_dict(state["scaler"])

    def close(self) -> None:
        self.feed.close()
