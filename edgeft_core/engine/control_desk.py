"""Live commands between two steps: settings, pause, resume, stop, checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from edgeft_core.config_keys import flatten
from edgeft_core.engine.agenda import CHANGING, Agenda
from edgeft_core.engine.batch_monitor import BatchMonitor
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.controls import Controls, LiveSettings, changed_live
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.reach import refuse_out_of_reach, shapes_the_plan
from edgeft_core.engine.rewinding import state_of
from edgeft_core.errors import ConfigError, RequestError, WeightsError
from edgeft_core.events import CheckpointKind, ControlHandled, ControlRequest, Event, PauseChanged

WAIT_S = 0.25
"""How long a paused run sleeps before it asks again."""

_ANSWERS_KEPT = 32
"""A checkpoint holds the latest answers: its worker may have died before they were written into the catalog."""


class ControlDesk(Collaborator):
    """Asks for requests before every step, and now and then during longer work, and sees to each.

    Args:
        save: writes a checkpoint of a kind.
        rewind: puts the state of a checkpoint in force.

    Attributes:
        stop: whether the run was asked to end.
    """

    def __init__(
        self,
        controls: Controls,
        monitor: BatchMonitor,
        save: Callable[[Leg, CheckpointKind], Iterator[Event]],
        rewind: Callable[[Leg, dict[str, Any]], Iterator[Event]],
    ) -> None:
        self._controls = controls
        self._monitor = monitor
        self._save = save
        self._rewind = rewind
        self._agenda = Agenda()
        self._answered: set[int] = set()
        self._held: set[int] = set()
        self._promised: LiveSettings | None = None
        self._paused = False
        self._latest = self._in_checkpoint = 0
        self._to_come: frozenset[int] = frozenset()
        self._answers: dict[int, ControlHandled] = {}
        self.stop = False

    def state(self) -> dict[str, Any]:
        kept = [asdict(one) for one in list(self._answers.values())[-_ANSWERS_KEPT:]]
        return {"latest": self._latest, "to_come": self._agenda.to_come(), "answers": json.dumps(kept)}

    def load(self, state: dict[str, Any]) -> None:
        """Requests up to the latest that was seen to before the checkpoint have their answer in it."""
        self._latest = self._in_checkpoint = int(state["latest"])
        # Older checkpoints hold neither what was to come nor answers.
        self._to_come = frozenset(state.get("to_come", ()))
        older = [ControlHandled(**one) for one in json.loads(state.get("answers", "[]"))]
        self._answers = {one.command_id: one for one in older} | self._answers

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:  # noqa: ARG002
        turns = leg.turns
        yield from self.between_steps(leg)
        if not self.stop and leg.turns == turns:  # the step comes now
            leg.session.follow_ramps()

    def between_steps(self, leg: Leg) -> Iterable[Event]:
        """See to all requests, and wait while the run is paused."""
        self._sort(self._controls.poll(_next_step(leg)))
        return self._handle(leg) if self._agenda or self._paused else ()

    def during_validation(self, leg: Leg) -> Iterator[Event]:
        """Answer changes of numbers at once; they, and all the rest, take effect before the next step.

        What is under way is not disturbed: the same commands at the same steps give the same run again.
        """
        for request in self._controls.poll(_next_step(leg)):
            if self._can_be_promised(leg, request):
                yield self._promise(leg, request)
            self._sort([request])

    def _can_be_promised(self, leg: Leg, request: ControlRequest) -> bool:
        """Whether it is known already from which step on a change will hold, and what it will change."""
        return not (
            leg.session.position.step >= leg.session.steps_total
            or request.kind != "set"
            or request.at_step
            or shapes_the_plan(request.changes)
            or self._agenda.may_change_first(but=self._answered)
        )

    def _sort(self, requests: Iterable[ControlRequest]) -> None:
        """What the state that the run went on from holds already is answered at once, if it was not before."""
        for request in requests:
            if request.again:
                self._answered.add(request.command_id)
            if self._is_in_checkpoint(request):
                if request.again:
                    continue
                self._held.add(request.command_id)
            self._agenda.add(request, at_once=request.command_id in self._held)

    def _is_in_checkpoint(self, request: ControlRequest) -> bool:
        """Whether the state that the run went on from has it in force already, or refused it."""
        if request.kind not in CHANGING or request.command_id in self._to_come:
            return False
        return 0 < request.command_id <= self._in_checkpoint

    def _promise(self, leg: Leg, request: ControlRequest) -> ControlHandled:
        """Say what will become of a change without making it yet."""
        step = _next_step(leg)
        self._answered.add(request.command_id)
        self._promised = self._promised or LiveSettings(leg.session.live.config)
        try:
            previous = self._promised.change(request.changes, over_steps=request.over_steps, step=step)
        except ConfigError as error:
            return ControlHandled(request.command_id, step, "refused", str(error))
        return ControlHandled(request.command_id, step, "applied", previous=previous)

    def _handle(self, leg: Leg) -> Iterator[Event]:
        self._promised = None
        while not (self.stop or leg.left):
            request = self._agenda.next(_next_step(leg))
            if request is not None:
                yield from self._one(leg, request)
            elif not self._paused:
                return
            else:
                self._controls.wait(WAIT_S)
                self._sort(self._controls.poll(_next_step(leg)))

    def _one(self, leg: Leg, request: ControlRequest) -> Iterator[Event]:
        if request.kind in CHANGING:
            if request.command_id in self._held:
                as_now = ControlHandled(request.command_id, _next_step(leg), "applied")
                yield self._answers.get(request.command_id, as_now)
                return
            yield from self._set(leg, request) if request.kind == "set" else self._take_back(leg, request)
            self._latest = max(self._latest, request.command_id)
            return
        if request.kind == "checkpoint":
            yield from self._save(leg, "verdict" if request.options.get("mark") == "verdict" else "manual")
        elif request.kind == "stop":
            self.stop = True
        elif (request.kind == "pause") != self._paused:
            self._paused = not self._paused
            yield from self._monitor.flush(leg)
            yield PauseChanged(leg.session.position.step, self._paused)
        yield ControlHandled(request.command_id, _next_step(leg), "applied")

    def _take_back(self, leg: Leg, request: ControlRequest) -> Iterator[Event]:
        session, asked_at = leg.session, _next_step(leg)
        before = flatten(session.live.config)
        try:
            content = state_of(session, int(request.options["to_step"]))
        except (RequestError, WeightsError) as error:
            yield self._answer(ControlHandled(request.command_id, asked_at, "refused", str(error)))
            return
        yield from self._rewind(leg, content)
        self._latest, self._answered = request.command_id, set()
        now = flatten(session.live.config)
        changed = {key: value for key, value in now.items() if value != before[key]}
        previous = {key: before[key] for key in changed}
        why = f"The run was taken back to step {session.position.step} before its step came."
        for one in self._agenda.taken_back_by(request):
            yield self._answer(ControlHandled(one.command_id, asked_at, "refused", why))
        handled = ControlHandled(request.command_id, asked_at, "applied", previous=previous, changes=changed)
        yield self._answer(handled)

    def _set(self, leg: Leg, request: ControlRequest) -> Iterator[Event]:
        session, before = leg.session, leg.settings
        step = _next_step(leg)
        try:
            refuse_out_of_reach(leg, request.changes)
            changed_live(session.live.config, request.changes)
            yield from self._save(leg, "command")
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
        self._answer(handled)
        if request.command_id in self._answered:
            self._answered.remove(request.command_id)
        else:
            yield handled

    def _answer(self, handled: ControlHandled) -> ControlHandled:
        """Keep an answer for the checkpoints to come."""
        self._answers[handled.command_id] = handled
        return handled


def _next_step(leg: Leg) -> int:
    return leg.session.position.step + 1
