"""Everyone who takes part in a run's loop, in the order in which they act."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from edgeft_core.engine.batch_monitor import BatchMonitor
from edgeft_core.engine.checkpoints import Checkpointer, drop, restore_session
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.control_desk import ControlDesk
from edgeft_core.engine.controls import Controls
from edgeft_core.engine.embeddings_taken import TrainingEmbeddings
from edgeft_core.engine.first_batch import FirstLook
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.heavy_signals import HeavySignals
from edgeft_core.engine.kept import MARKED, numbered, path_of
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.parts import PartsNotice
from edgeft_core.engine.random_numbers import restore_random
from edgeft_core.engine.rewinding import forget_later
from edgeft_core.engine.samples import TrainingSamples
from edgeft_core.engine.scheduled_looks import InputLook, UpdateLook
from edgeft_core.engine.session import Session
from edgeft_core.engine.step import StepTaken
from edgeft_core.engine.validation import Validator
from edgeft_core.events import CheckpointKind, Event, Progress, Rewound, RunEnded


class Crew:
    """The collaborators of one run and the stage in progress.

    The order matters after an epoch: the last batches are told before the validation, and the checkpoint holds
    what the validation found.
    """

    def __init__(self, session: Session, controls: Controls) -> None:
        monitor = session.config.monitor
        self._session = session
        self._leg: Leg | None = None
        self._leg_state: dict[str, Any] = {}
        self._begun = self._went_back = False
        window = max(monitor.window_images, session.config.data.batch_size)  # at least one whole batch
        self._monitor = BatchMonitor(window, session.dataset.n_classes)
        heavy = HeavySignals(monitor.heavy_every_steps)
        validator = Validator(monitor.validation_images)
        self._desk = ControlDesk(controls, self._monitor, self._saved, self._rewind)
        self._stateful: tuple[Collaborator, ...] = (self._monitor, heavy, validator, self._desk)
        self._standing = validator.standing
        self._checkpointer = Checkpointer(
            session.config.checkpoints, validator.standing, self._stateful, self._monitor.flush
        )
        samples = TrainingSamples(monitor.sample_images, monitor.heavy_every_steps)
        self._members: tuple[Collaborator, ...] = (
            self._desk,
            FirstLook(),
            PartsNotice(),
            InputLook(),
            self._monitor,
            UpdateLook(monitor.heavy_every_steps),
            heavy,
            samples,
            TrainingEmbeddings(monitor.heavy_every_steps),
            validator,
            self._checkpointer,
        )
        self._before_steps = _with_part_in(self._members, "before_step")
        self._after_steps = [
            one for one in _with_part_in(self._members, "after_step") if one is not self._monitor
        ]

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._leg is not None:
            self._leg.close()

    @property
    def stop(self) -> bool:
        """Whether the run was asked to end."""
        return self._desk.stop

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterator[Event]:
        """Everyone's part before a step, until a command asks to stop, or for another batch.

        Events come in the order in which things happened: behind the steps so far, which may be told late.
        """
        turns = leg.turns
        for member in self._before_steps:
            for event in member.before_step(leg, batch):
                yield from self._monitor.in_line(event)
            if self.stop or leg.turns != turns:
                return

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterator[Event]:
        """Everyone's part after a step."""
        yield from self._monitor.after_step(leg, batch, taken)
        for member in self._after_steps:
            for event in member.after_step(leg, batch, taken):
                yield from self._monitor.in_line(event)

    def between_steps(self, leg: Leg) -> Iterator[Event]:
        """While a batch is waited for: tell what was held back, and listen to commands."""
        yield from self._monitor.tell(leg)
        yield from self._desk.between_steps(leg)

    def settle_in(self, leg: Leg) -> Iterator[Event]:
        """Keep the state that a run begins with, and the one that it was taken back to."""
        folder = self._session.folder
        if self._went_back:
            self._went_back = False
            yield from forget_later(self._session, self._standing)
            yield from self._checkpointer.save(leg, ["last"])
            later = [one for one in numbered(folder) if one.step > self._session.position.step]
            yield from drop(self._session, later)
        elif not (self._begun or path_of(folder, "first").exists() or path_of(folder, "last").exists()):
            yield from self._checkpointer.save(leg, ["first"])
        self._begun = True

    def forget_later(self) -> None:
        """Let the state that the run begins with be its newest: checkpoints of later steps are none of its own."""
        self._went_back = True

    def _saved(self, leg: Leg, kind: CheckpointKind) -> Iterator[Event]:
        """Save a checkpoint on request, or a mark."""
        if kind in MARKED:
            return self._checkpointer.mark(leg, kind)
        return self._checkpointer.save(leg, [kind])

    def _rewind(self, leg: Leg, content: dict[str, Any]) -> Iterator[Event]:
        """Put an earlier state of this run in force; another leg goes on from there."""
        session = self._session
        yield from self._monitor.flush(leg)
        from_step = session.position.step
        restore_session(session, content)
        self.load(content)
        restore_random(content["random"], session.device)
        leg.leave()
        self.forget_later()
        yield Rewound(session.position.step, from_step)
        yield session.plan()

    def after_epoch(self, leg: Leg) -> Iterator[Event]:
        """Everyone's part after an epoch; settings may change meanwhile."""
        for member in self._members:
            for event in member.after_epoch(leg):
                yield event
                if isinstance(event, Progress):
                    yield from self._desk.during_validation(leg)

    def current_leg(self) -> Leg | None:
        return self._leg

    def next_leg(self) -> Leg | None:
        """The stage to run now, None after the last; takes up its state where the run was resumed inside it."""
        if self._leg is not None:
            self._leg.close()
            self._leg = None
        index = self._session.position.stage
        if index >= len(self._session.config.stages):
            return None
        self._leg = Leg(self._session, index)
        if self._leg_state:
            self._leg.load(self._leg_state)
            self._leg_state = {}
        return self._leg

    def load(self, content: dict[str, Any]) -> None:
        """Take up the collaborators' and the stage's state from a checkpoint; who has none there begins anew."""
        for member in self._stateful:
            if (state := content["collaborators"].get(type(member).__name__)) is not None:
                member.load(state)
        self._leg_state = content["leg"]

    def last_words(self, leg: Leg) -> Iterator[Event]:
        """What the steps before one that failed have still to tell."""
        return self._monitor.tell(leg)

    def stopped(self, leg: Leg) -> Iterator[Event]:
        """Leave everything such that the run can go on later."""
        yield from self._monitor.flush(leg)
        yield from self._checkpointer.save(leg, ["last"])
        yield RunEnded(self._session.position.step, "stopped", {})


def _with_part_in(members: Sequence[Collaborator], occasion: str) -> tuple[Collaborator, ...]:
    """Those who do something at an occasion: asking the others at every step would cost as much as a signal."""
    nothing = getattr(Collaborator, occasion)
    return tuple(one for one in members if getattr(type(one), occasion) is not nothing)
