"""What there is to see of a run: its verdict, its commands, its checkpoints, and how a trial beside it goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from edgeft_core import queries
from edgeft_core.autopilot.record import Candidate, paused_by_autopilot
from edgeft_core.autopilot.turns import TROUBLE, Outcome, Trial, Trouble
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import live_keys
from edgeft_core.diagnostics.causes import Cause
from edgeft_core.errors import EdgeFTError
from edgeft_core.jobs.control import settings_now
from edgeft_core.jobs.proving import proof_of, proving
from edgeft_core.jobs.states import RunState
from edgeft_core.proof.kept import read_progress
from edgeft_core.proof.plan import different, plan
from edgeft_core.proof.record import Remedy
from edgeft_core.queries.events import settings_words, whole_history
from edgeft_core.settings import Home
from edgeft_core.store.contract import AUTOPILOT, Catalog, CheckpointRecord, CommandRecord, RunRecord

MOST_TRIED: Final = 3
"""A trial takes a minute or more; who is not among the first three causes is seldom the right one."""

SUSPECTED: Final = 0.3
"""Causes below are unlikely, and Diagnosis folds them away."""

_HEALTHY: Final = frozenset({"healthy", "learning"})


class RunSight:
    """One run at one moment; answers are those of the catalog and of the run's folder when they are asked for."""

    def __init__(self, home: Home, catalog: Catalog, run: RunRecord) -> None:
        self._home = home
        self._catalog = catalog
        self._run = run

    @property
    def state(self) -> RunState:
        return self._run.state

    @property
    def step(self) -> int:
        return int(self._run.summary.get("step") or 0)

    @property
    def paused_by_autopilot(self) -> bool:
        return paused_by_autopilot(self._commands)

    def trouble(self) -> Trouble | None:
        if self._run.summary.get("verdict") not in TROUBLE:
            return None
        # The summary is a second late: right after a rewind it still tells the verdict of before. History does not.
        told = [one for one in whole_history(self._home, self._run.id) if one.kind == "verdict"]
        if not told or told[-1].text not in TROUBLE:
            return None
        return Trouble(told[-1].text, told[-1].step)

    def candidates(self) -> Sequence[Candidate]:
        causes = queries.diagnosis_of(queries.case_of(self._home, self._run.id)).causes
        found = (self._candidate(one) for one in causes if one.confidence >= SUSPECTED)
        return [one for one in found if one is not None][:MOST_TRIED]

    def mark(self, candidate: Candidate) -> str:
        proof = proof_of(self._home, self._run.id, candidate.remedy.cause)
        return f"{self._process()} {proof.at if proof else ''}"

    def trial(self, candidate: Candidate, mark: str) -> Trial:
        cause = candidate.remedy.cause
        process, _, before = mark.partition(" ")
        proof = proof_of(self._home, self._run.id, cause)
        if proof is not None and proof.at != before:
            return Trial("done", proof)
        told = proving(self._home, self._run.id)
        if told.running:
            return Trial("goes")
        if told.cause == cause and self._process() != process:
            return Trial("broke", error=told.error or "The trial ended without a result.")
        return Trial("not begun")

    def is_live(self, remedy: Remedy) -> bool:
        keys = different(self._config, plan(self._config, remedy).with_fix)
        return keys <= frozenset(live_keys(self._config))

    def healthy_step(self) -> int | None:
        spans = queries.verdict_spans(self._home, self._run.id, self.step)
        return newest_healthy(self._catalog.checkpoints(self._run.id), spans)

    def newest_command(self) -> int:
        return max((one.id for one in self._commands), default=0)

    def outcome(self, after_command: int) -> Outcome:
        mine = [one for one in self._commands if one.id > after_command and one.requested_by == AUTOPILOT]
        asked = [one for one in mine if one.kind in {"rewind", "set"}]
        if any(one.outcome == "pending" for one in asked):
            return Outcome(settled=False)
        refused = next((one.reason for one in asked if one.outcome == "refused"), "")
        step = next((one.step for one in asked if one.kind == "set"), None)
        return Outcome(settled=True, refused=refused, step=step or 0)

    @cached_property
    def _config(self) -> RunConfig:
        return settings_now(self._catalog, self._run)

    @cached_property
    def _commands(self) -> list[CommandRecord]:
        return self._catalog.commands(self._run.id)

    def _process(self) -> str:
        """Which process worked on a trial of this run last."""
        told = read_progress(self._home.run_folder(self._run.id))
        return f"{told.get('pid', '')}-{told.get('started_at', '')}"

    def _candidate(self, cause: Cause) -> Candidate | None:
        """Its fix, where it changes something that two twins can be compared over."""
        remedy = queries.remedy_of_cause(cause)
        try:
            plan(self._config, remedy)
        except EdgeFTError:
            return None
        words = settings_words(self._config, remedy.changes)
        return Candidate(remedy, cause.confidence, words)


def newest_healthy(saved: Iterable[CheckpointRecord], spans: Sequence[queries.VerdictSpan]) -> int | None:
    """The step of the newest checkpoint at which nothing was wrong, or no verdict was given yet; None for none."""
    steps = (one.step for one in saved if one.kind != "start")  # that one is another run's
    return max((step for step in steps if _status(spans, step) in _HEALTHY), default=None)


def _status(spans: Sequence[queries.VerdictSpan], step: int) -> str:
    return next((one.status for one in reversed(spans) if one.start <= step), "learning")
