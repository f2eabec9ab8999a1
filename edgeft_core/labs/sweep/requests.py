"""What may be asked of a sweep while it goes: pause, resume, stop, save. Its settings are its subject and stay."""

from __future__ import annotations

from collections.abc import Iterator

from edgeft_core.engine.controls import Controls
from edgeft_core.events import ControlHandled, ControlRequest, Event, PauseChanged

WAIT_S = 0.25

_REFUSED = (
    "the settings of a sweep cannot change while it goes: its heads are compared under the same conditions; "
    "start another sweep, or a run with one head's settings"
)


class Requests:
    """Sees to requests between two groups of steps.

    Attributes:
        stop: the sweep was asked to end.
        save: its state was asked for; whoever writes it puts this back.
    """

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._paused = False
        self.stop = False
        self.save = False

    def handle(self, step: int) -> Iterator[Event]:
        """See to all requests after ``step`` steps, and wait while the sweep is paused."""
        yield from self._poll(step)
        while self._paused and not self.stop:
            self._controls.wait(WAIT_S)
            yield from self._poll(step)

    def _poll(self, step: int) -> Iterator[Event]:
        for request in self._controls.poll(step + 1):
            yield from self._one(request, step)

    def _one(self, request: ControlRequest, step: int) -> Iterator[Event]:
        if request.kind == "set":
            yield ControlHandled(request.command_id, step + 1, "refused", _REFUSED)
            return
        if request.kind == "stop":
            self.stop = True
        elif request.kind == "checkpoint":
            self.save = True
        elif (request.kind == "pause") != self._paused:
            self._paused = not self._paused
            yield PauseChanged(step, self._paused)
        yield ControlHandled(request.command_id, step + 1, "applied")
