"""Live commands between two steps: settings, pause, resume, stop, checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgeft_core.engine.batch_monitor import BatchMonitor
from edgeft_core.engine.checkpoints import Checkpointer
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.controls import Controls
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.errors import ConfigError
from edgeft_core.events import ControlHandled, ControlRequest, Event, PauseChanged

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
        self._paused = False
        self.stop = False

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:  # noqa: ARG002
        return self.between_steps(leg)

    def between_steps(self, leg: Leg) -> Iterable[Event]:
        """See to all requests, and wait while the run is paused."""
        requests = [*self._put_off, *self._controls.poll(_next_step(leg))]
        self._put_off.clear()
        return self._handle(leg, requests) if requests else ()

    def during_validation(self, leg: Leg) -> Iterator[Event]:
        """See to changes of settings at once; the rest waits for the next step, when the state is whole again."""
        for request in self._controls.poll(_next_step(leg)):
            if request.kind == "set":
                yield self._set(leg, request)
            else:
                self._put_off.append(request)

    def _handle(self, leg: Leg, requests: Iterable[ControlRequest]) -> Iterator[Event]:
        for request in requests:
            yield from self._one(leg, request)
        while self._paused and not self.stop:
            self._controls.wait(WAIT_S)
            for request in self._controls.poll(_next_step(leg)):
                yield from self._one(leg, request)

    def _one(self, leg: Leg, request: ControlRequest) -> Iterator[Event]:
        if request.kind == "set":
            yield self._set(leg, request)
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

    def _set(self, leg: Leg, request: ControlRequest) -> ControlHandled:
        session = leg.session
        step = _next_step(leg)
        try:
            previous = session.live.change(request.changes)
        except ConfigError as error:
            return ControlHandled(request.command_id, step, "refused", str(error))
        session.apply_head_settings()
        return ControlHandled(request.command_id, step, "applied", previous=previous)


def _next_step(leg: Leg) -> int:
    return leg.session.position.step + 1
