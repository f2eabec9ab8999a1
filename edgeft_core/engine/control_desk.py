"""Live commands between two steps: settings, pause, resume, stop, checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import flatten
from edgeft_core.engine.batch_monitor import BatchMonitor
from edgeft_core.engine.checkpoints import Checkpointer
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.controls import Controls, changed_live
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.reach import refuse_out_of_reach, shapes_the_plan
from edgeft_core.errors import ConfigError
from edgeft_core.events import ControlHandled, ControlRequest, Event, PauseChanged
from edgeft_core.ramps import ramps_to

WAIT_S = 0.25
"""How long a paused run sleeps before it asks again."""


class ControlDesk(Collaborator):
    """Asks for requests before every step, and now and then during longer work, and sees to each.

    Attributes:
        stop: whether the run was asked to end.
    """

    def __init__(self, controls: Controls, monitor: BatchMonitor, checkpointer: Checkpointer) -> None:
        self._controls = controls
        self._monitor = monitor
        self._checkpointer = checkpointer
        self._put_off: list[ControlRequest] = []
        self._answered: set[int] = set()
        self._promised: RunConfig | None = None
        self._paused = False
        self.stop = False

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:  # noqa: ARG002
        yield from self.between_steps(leg)
        leg.session.follow_ramps()

    def between_steps(self, leg: Leg) -> Iterable[Event]:
        """See to all requests, and wait while the run is paused."""
        requests = [*self._put_off, *self._controls.poll(_next_step(leg))]
        self._put_off.clear()
        return self._handle(leg, requests) if requests else ()

    def during_validation(self, leg: Leg) -> Iterator[Event]:
        """Answer changes of numbers at once; they, and all the rest, take effect before the next step.

        What is under way is not disturbed: the same commands at the same steps give the same run again.
        """
        for request in self._controls.poll(_next_step(leg)):
            if request.kind == "set" and not shapes_the_plan(request.changes):
                yield self._promise(leg, request)
            self._put_off.append(request)

    def _promise(self, leg: Leg, request: ControlRequest) -> ControlHandled:
        """Say what will become of a change without making it yet."""
        step = _next_step(leg)
        before = self._promised or leg.session.live.config
        self._answered.add(request.command_id)
        values = flatten(before)
        previous = {key: values[key] for key in request.changes if key in values}
        try:
            promised = changed_live(before, request.changes)
            if over_steps := request.over_steps:
                ramps_to(promised, previous, over_steps)
        except ConfigError as error:
            return ControlHandled(request.command_id, step, "refused", str(error))
        self._promised = promised
        return ControlHandled(request.command_id, step, "applied", previous=previous)

    def _handle(self, leg: Leg, requests: Iterable[ControlRequest]) -> Iterator[Event]:
        self._promised = None
        for request in requests:
            yield from self._one(leg, request)
        while self._paused and not self.stop:
            self._controls.wait(WAIT_S)
            for request in self._controls.poll(_next_step(leg)):
                yield from self._one(leg, request)

    def _one(self, leg: Leg, request: ControlRequest) -> Iterator[Event]:
        if request.kind == "set":
            yield from self._set(leg, request)
            return
        if request.kind == "checkpoint":
            yield from self._monitor.flush(leg)
            yield from self._checkpointer.save(leg, ["manual"])
        elif request.kind == "stop":
            self.stop = True
        elif (request.kind == "pause") != self._paused:
            self._paused = not self._paused
            yield from self._monitor.flush(leg)
            yield PauseChanged(leg.session.position.step, self._paused)
        yield ControlHandled(request.command_id, _next_step(leg), "applied")

    def _set(self, leg: Leg, request: ControlRequest) -> Iterator[Event]:
        session, before = leg.session, leg.settings
        step = _next_step(leg)
        try:
            refuse_out_of_reach(leg, request.changes)
            previous = session.live.change(request.changes, over_steps=request.over_steps, step=step)
        except ConfigError as error:
            handled = ControlHandled(request.command_id, step, "refused", str(error))
        else:
            handled = ControlHandled(request.command_id, step, "applied", previous=previous)
            session.apply_head_settings()
            if shapes_the_plan(request.changes):
                yield from self._monitor.flush(leg)
                yield session.plan()
            leg.follow_settings(before)
        if request.command_id in self._answered:
            self._answered.remove(request.command_id)
        else:
            yield handled


def _next_step(leg: Leg) -> int:
    return leg.session.position.step + 1
