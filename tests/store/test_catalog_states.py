"""Any sequence of moves and claims: the stored state is what the transition table says, and the history tells it."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgeft_core.config import RunConfig
from edgeft_core.errors import TransitionError, UnknownRunError
from edgeft_core.jobs.states import ACTIVE, ENDED, TRANSITIONS, RunState
from edgeft_core.store import open_catalog
from edgeft_core.store.processes import current_process

ME = current_process()


class RunLife(RuleBasedStateMachine):
    """One run, two connections, every verb that changes its state."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'catalog.sqlite'}"
        self.catalogs = [open_catalog(url), open_catalog(url)]
        self.catalogs[0].add_run("r1", "", RunConfig())
        self.expected: RunState | None = RunState.QUEUED
        self.moves = 0

    def teardown(self) -> None:
        for catalog in self.catalogs:
            catalog.close()
        self.folder.cleanup()

    @rule(state=st.sampled_from(RunState), by=st.sampled_from((0, 1)))
    def move(self, state: RunState, by: int) -> None:
        allowed = self.expected is not None and state in TRANSITIONS[self.expected]
        try:
            record = self.catalogs[by].move_run("r1", state)
        except (TransitionError, UnknownRunError):
            assert not allowed
        else:
            assert allowed
            assert record.state is state
            self.expected, self.moves = state, self.moves + 1

    @rule(by=st.sampled_from((0, 1)))
    def claim(self, by: int) -> None:
        claimed = self.catalogs[by].claim_run("r1", ME)
        assert claimed == (self.expected is RunState.QUEUED)
        if claimed:
            self.expected, self.moves = RunState.STARTING, self.moves + 1

    @precondition(lambda self: self.moves > 6)
    @rule()
    def delete(self) -> None:
        try:
            self.catalogs[0].delete_run("r1")
        except TransitionError:
            assert self.expected in ACTIVE
        except UnknownRunError:
            assert self.expected is None
        else:
            assert self.expected not in ACTIVE
            self.expected = None

    @invariant()
    def both_connections_agree_with_the_table(self) -> None:
        for catalog in self.catalogs:
            found = [run.state for run in catalog.runs()]
            assert found == ([] if self.expected is None else [self.expected])

    @invariant()
    def the_history_is_a_walk_through_the_table(self) -> None:
        entries = [one for one in self.catalogs[1].history("r1") if one.kind == "state"]
        walked = [RunState(one.text) for one in entries]
        assert len(walked) == (0 if self.expected is None else self.moves + 1)
        for (before, after), entry in zip(pairwise(walked), entries[1:], strict=True):
            assert after in TRANSITIONS[before]
            assert entry.data["from"] == before

    @invariant()
    def an_ended_run_has_an_end(self) -> None:
        for run in self.catalogs[0].runs():
            assert (run.ended_at is not None) == (run.state in ENDED)


TestRunLife = RunLife.TestCase
TestRunLife.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
