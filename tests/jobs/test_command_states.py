"""Any sequence of commands, steps, records, deaths and resumes: the journal of commands tells what the run did.

The machine sends commands by the verbs that people use and moves a real worker, taken apart, by hand. What a command
was answered with, what each step was trained with and which states the run was in must fit each other at all times.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import flatten
from edgeft_core.engine.session import Session
from edgeft_core.errors import RequestError, TransitionError
from edgeft_core.events import BatchDone, ControlHandled, ControlRequest
from edgeft_core.jobs import control, dispatcher, liveness
from edgeft_core.jobs.in_force import in_order, ramps_of, standing, to_undo, values_at
from edgeft_core.jobs.states import ACTIVE, ENDED, TRANSITIONS, RunState
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog
from edgeft_core.store.contract import CommandRecord
from edgeft_core.store.processes import current_process
from tests.engine.runs import events_of, stop_at, tiny
from tests.engine.sessions import session_of
from tests.jobs.worker_life import WorkerLife

RUN = "r1"
RECORDED = {"head.temperature": "temperature", "head.scale": "scale", "head.margin_rad": "margin_rad"}
"""Live settings whose value in force is recorded with every step, and the names of these signals."""

CHANGES = st.dictionaries(st.sampled_from(sorted(RECORDED)), st.sampled_from((0.5, 0.75, 1.0)), min_size=1)
ASKS: st.SearchStrategy[tuple[str, dict[str, float], int]] = st.one_of(
    st.sampled_from(("pause", "resume", "checkpoint", "undo")).map(lambda verb: (verb, {}, 0)),
    st.tuples(st.just("set"), CHANGES, st.sampled_from((0, 0, 1, 5))),
    st.tuples(st.just("rewind"), st.just({}), st.integers(0, 30)),
)
WHEN = {
    "set": ACTIVE | {RunState.QUEUED},
    "undo": ACTIVE | {RunState.QUEUED},
    "pause": ACTIVE,
    "resume": ACTIVE | {RunState.STOPPED, RunState.FAILED, RunState.LOST},
    "checkpoint": ACTIVE,
    "stop": ACTIVE | {RunState.QUEUED},
    "rewind": frozenset(RunState) - {RunState.FINISHED},
}
"""Verb -> states in which it is listened to, as docs/jobs.md and docs/control.md promise."""


def config() -> RunConfig:
    """36 steps on cached embeddings: 6 epochs, a validation after each, a checkpoint every 4 steps."""
    asked = tiny(
        stages__0__epochs=6,
        checkpoints__every_steps=4,
        checkpoints__keep=20,
        checkpoints__keep_marked=40,
        monitor__heavy_every_steps=1000,
        max_restarts=1,
    )
    return asked.model_copy(update={"stages": asked.stages[:1]})


@cache
def prepared() -> Session:
    """Data, network and kept embeddings, once for all examples: every worker tells the same events."""
    folder = Path(tempfile.mkdtemp(prefix="edgeft-commands-"))
    events_of(config(), folder, controls=stop_at(1))
    return session_of(config(), folder)


class Commands(RuleBasedStateMachine):
    """One run, whoever asks, and whichever worker has it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="edgeft-commands-"))
        self.home = Home(self.folder / "home").ensure()
        self.catalog = open_catalog(self.home.catalog_url)
        self.home.run_folder(RUN).mkdir(parents=True)
        self.catalog.add_run(RUN, RUN, config())
        self.worker: WorkerLife | None = None
        self.answers: dict[int, tuple[Any, ...]] = {}

    def teardown(self) -> None:
        if self.worker:
            self.worker.leave()
        self.catalog.close()
        shutil.rmtree(self.folder)

    @initialize(asks=st.lists(st.tuples(CHANGES, st.sampled_from((0, 0, 5)), st.integers(1, 9)), max_size=4))
    def be_a_replay(self, asks: list[tuple[dict[str, float], int, int]]) -> None:
        """Changes that wait for steps of their own, as a replay begins with.

        No rewinds: where somebody changes a replay before a rewind that it repeats, ids and steps alone do not tell
        which of the two came first.
        """
        at_step = 0
        for changes, over_steps, later in asks:
            at_step += later
            options = {"at_step": at_step} | ({"over_steps": over_steps} if over_steps else {})
            self.catalog.add_command(RUN, ControlRequest(0, "set", changes, options), requested_by="test")

    @property
    def state(self) -> RunState:
        return self.catalog.run(RUN).state

    @rule(asks=st.lists(ASKS, min_size=1, max_size=4))
    def ask(self, asks: list[tuple[str, dict[str, float], int]]) -> None:
        for verb, changes, number in asks:
            self.ask_one(verb, changes, number)

    @rule()
    def stop(self) -> None:
        self.ask_one("stop", {}, 0)

    def ask_one(self, verb: str, changes: dict[str, float], number: int) -> None:
        state, before = self.state, self.catalog.commands(RUN)
        undone = to_undo(before) if verb == "undo" else None
        try:
            if verb == "set":
                control.set_values(self.home, RUN, changes, over_steps=number)
            elif verb == "rewind":
                control.rewind(self.home, RUN, number)
            else:
                getattr(control, verb)(self.home, RUN)
        except (TransitionError, RequestError) as refused:
            assert str(refused)[0].isupper() and str(refused).endswith("."), refused
            assert state not in WHEN[verb] or verb in {"undo", "rewind"}, (verb, state, refused)
            assert self.catalog.commands(RUN) == before
        else:
            assert state in WHEN[verb], (verb, state)
            new = self.catalog.commands(RUN)[len(before) :]
            if verb == "undo":
                assert undone is not None
                assert dict(new[0].changes) == dict(undone.previous)

    @precondition(lambda self: self.state is RunState.QUEUED)
    @rule()
    def claim(self) -> None:
        assert self.worker is None
        assert self.catalog.claim_run(RUN, current_process())
        self.worker = WorkerLife(self.home, self.catalog, prepared(), self.catalog.run(RUN))

    @precondition(lambda self: self.worker)
    @rule(events=st.integers(1, 40))
    def train(self, events: int) -> None:
        assert self.worker
        self.worker.train(events)

    @precondition(lambda self: self.worker and self.worker.untold)
    @rule()
    def record(self) -> None:
        assert self.worker
        for event in self.worker.record():
            if isinstance(event, BatchDone):
                self.check_step(event)

    def check_step(self, event: BatchDone) -> None:
        """The step was trained with what the journal says, which is the same for all commands of one step."""
        told = flatten(config()) | values_at(config(), self.catalog.commands(RUN), event.step)
        used = {key: event.scalars[name] for key, name in RECORDED.items()}
        assert used == pytest.approx({key: told[key] for key in RECORDED}), event.step

    @precondition(lambda self: self.worker and self.worker.ended)
    @rule()
    def end(self) -> None:
        assert self.worker
        self.record()
        self.worker.end()
        self.worker = None
        if self.state is RunState.FINISHED:
            last = int(self.catalog.run(RUN).summary["step"])
            assert all((one.step or 0) <= last for one in standing(self.catalog.commands(RUN)))

    @precondition(lambda self: self.worker)
    @rule()
    def kill(self) -> None:
        """The worker dies with what it did not write; the dispatcher takes the run up again, once."""
        assert self.worker
        run = self.catalog.run(RUN)
        waiting = {one.id for one in self.catalog.pending_commands(RUN)}
        again = run.restarts < run.config.max_restarts
        if not again:
            self.record()
        self.worker.leave()
        self.worker = None
        liveness.mark_lost(self.catalog, run, "It was killed", again=True)
        assert self.state is (RunState.QUEUED if again else RunState.LOST)
        if again:
            assert {one.id for one in self.catalog.pending_commands(RUN)} == waiting

    @precondition(lambda self: self.worker and self.state is not RunState.QUEUED)
    @rule()
    def fail(self) -> None:
        assert self.worker
        self.record()
        self.worker.leave()
        self.worker = None
        self.catalog.move_run(RUN, RunState.FAILED, error="It failed.")

    @invariant()
    def an_answer_is_given_once_and_is_a_step_or_a_reason(self) -> None:
        for one in self.catalog.commands(RUN):
            if one.outcome == "pending":
                assert one.id not in self.answers
                continue
            answer = (one.outcome, one.step, one.reason, one.changes, one.previous)
            assert self.answers.setdefault(one.id, answer) == answer
            assert (one.step is not None and not one.reason) if one.outcome == "applied" else one.reason, (
                answer
            )

    @invariant()
    def nothing_is_pending_once_the_run_has_ended(self) -> None:
        if self.state in ENDED:
            assert not self.catalog.pending_commands(RUN)

    @invariant()
    def the_history_tells_every_answer_once(self) -> None:
        told = [one.data["command_id"] for one in self.catalog.history(RUN) if one.kind == "command"]
        assert sorted(told) == sorted(self.answers)

    @invariant()
    def the_states_are_a_walk_through_the_table(self) -> None:
        walked = [RunState(one.text) for one in self.catalog.history(RUN) if one.kind == "state"]
        assert all(after in TRANSITIONS[before] for before, after in pairwise(walked)), walked

    @invariant()
    def every_change_notes_what_was_in_force_before(self) -> None:
        told = in_order(self.catalog.commands(RUN))
        for place, one in enumerate(told):
            if one.kind == "set":
                before = flatten(config()) | values_before(told[:place], one)
                assert dict(one.previous) == pytest.approx({key: before[key] for key in one.changes}), one


def values_before(earlier: list[CommandRecord], command: CommandRecord) -> dict[str, float]:
    """What was in force when a command came: of a setting on its way, how far it was in the step before."""
    assert command.step is not None
    values: dict[str, float] = {}
    for one in (one for one in standing(earlier) if one.kind == "set"):
        ways = ramps_of(config(), one)
        values |= {
            key: ways[key].at(command.step - 1) if key in ways else value
            for key, value in one.changes.items()
        }
    return values


@pytest.fixture(autouse=True, scope="module")
def _nobody_moves_the_queue() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatcher, "ensure", lambda home: None)
        yield


TestCommands = Commands.TestCase
TestCommands.settings = settings(
    max_examples=8, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def margin(value: float, over_steps: int = 0) -> tuple[str, dict[str, float], int]:
    return ("set", {"head.margin_rad": value}, over_steps)


def rewind(to_step: int) -> tuple[str, dict[str, float], int]:
    return ("rewind", {}, to_step)


@pytest.fixture
def life() -> Iterator[Commands]:
    machine = Commands()
    yield machine
    machine.teardown()


def answers_told(life: Commands) -> int:
    assert life.worker is not None
    return sum(isinstance(one, ControlHandled) for one in life.worker.untold)


def test_a_gradual_change_that_a_rewind_took_back_does_not_come_back_with_the_next_worker(
    life: Commands,
) -> None:
    life.claim()
    life.train(40)
    life.fail()
    life.ask([rewind(12), margin(0.5, over_steps=5), rewind(12), rewind(8)])
    life.claim()
    while answers_told(life) < 4:  # no further: the newest checkpoint is from before the last rewind
        life.train(1)
    life.fail()
    life.ask([rewind(12)])
    life.claim()
    life.train(21)
    life.record()  # compares each step with the journal
    assert not [one for one in standing(life.catalog.commands(RUN)) if one.kind == "set"]
