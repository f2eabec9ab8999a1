"""The autopilot of all runs of a home: looks at each, decides, and does what was decided. The dispatcher hosts it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from edgeft_core.autopilot.record import AT_WORK, Autopilot, Phase
from edgeft_core.autopilot.turns import TROUBLE, Sight, Turn, decide, given_up, may_act_more, not_proven
from edgeft_core.errors import DiskFullError, EdgeFTError, HomeError, UnknownRunError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs import control
from edgeft_core.jobs.applying import apply_remedy
from edgeft_core.jobs.proving import proof_of, start_proof
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.proof.record import Remedy
from edgeft_core.settings import Home
from edgeft_core.store.contract import AUTOPILOT, Catalog, ProcessIdentity, RunRecord
from edgeft_core.store.processes import current_process, is_dead

log = logging.getLogger(__name__)

StartTrial = Callable[[Home, str, Remedy], bool]

_PASSING = (HomeError, DiskFullError)  # a full disk, a locked catalog: it may be over in a moment


@dataclass(frozen=True)
class _Run:
    """A run and its autopilot, as they were when they were read."""

    record: RunRecord
    pilot: Autopilot
    seen: Sight


class Pilot:
    """Call :meth:`look` again and again. Several may look at the same home: a turn is taken by one of them."""

    def __init__(self, home: Home, catalog: Catalog, start_trial: StartTrial = start_proof) -> None:
        self._home = home
        self._catalog = catalog
        self._start_trial = start_trial
        self._me = current_process()
        self._followed: set[str] | None = None

    def look(self, unsettled: Sequence[RunRecord]) -> bool:
        """Take the turns that are due.

        Args:
            unsettled: all runs that are queued or go.

        Returns:
            Whether there is work that will go on without any of these runs.
        """
        runs = {run.id: run for run in unsettled if Autopilot.of(run).is_on}
        for run_id in self._broke_meanwhile() - {run.id for run in unsettled}:
            with suppress(UnknownRunError):
                runs[run_id] = self._catalog.run(run_id)
        followed = [run for one in runs.values() if (run := self._see_to(one)) is not None]
        self._followed = {run.id for run in followed}
        return any(Autopilot.of(run).phase in AT_WORK for run in followed)

    def _broke_meanwhile(self) -> set[str]:
        """Runs that were followed; at first those that failed while nobody looked."""
        if self._followed is not None:
            return self._followed
        failed = self._catalog.runs(states=[RunState.FAILED])
        return {run.id for run in failed if Autopilot.of(run).is_on}

    def _see_to(self, run: RunRecord) -> RunRecord | None:
        """Take the turns of one run that are due now; the run as it is then, None if it needs no more looks."""
        if _is_calm(run):
            return run
        try:
            while (one := self._seen(run)).pilot.is_on:
                turned = self._turn(one)
                if turned is None:
                    goes = run.state in ACTIVE | {RunState.QUEUED}
                    return run if goes or one.pilot.phase in AT_WORK else None
                run = turned
        except UnknownRunError:  # deleted meanwhile
            pass
        return None

    def _seen(self, run: RunRecord) -> _Run:
        # Here and not above: a dispatcher that has no autopilot to follow stays small.
        from edgeft_core.autopilot.sight import RunSight  # noqa: PLC0415

        return _Run(run, Autopilot.of(run), RunSight(self._home, self._catalog, run))

    def _turn(self, one: _Run) -> RunRecord | None:
        """The run after its next turn; None where none is due."""
        try:
            turn = decide(one.pilot, one.seen) or self._carry_on(one)
        except (UnknownRunError, *_PASSING):
            raise
        except Exception as error:
            turn = given_up(one.pilot, one.seen, f"Gives up: {_sentence(error)}")
        if turn is None:
            return None
        self._take(one, turn)
        return self._catalog.run(one.record.id)

    def _take(self, one: _Run, turn: Turn) -> bool:
        """Write a turn, unless somebody else wrote another one since this run was read."""
        taken = self._catalog.turn_autopilot(
            one.record.id,
            one.record.summary.get(AUTOPILOT),
            replace(turn.pilot, by=self._me).as_dict(),
            text=turn.pilot.reason,
            step=one.seen.step,
            data=turn.data,
            requests=turn.requests,
            requeue=turn.requeue,
        )
        if taken:
            log.info("run %s: autopilot %s: %s", one.record.id, turn.pilot.phase, turn.pilot.reason)
        return taken

    def _carry_on(self, one: _Run) -> Turn | None:
        """Do what a phase consists of: begin the trial, make the run that gets the fix."""
        if not self._is_mine(one.pilot.by):
            return None
        if one.pilot.phase is Phase.PROVING:
            return self._begin_trial(one)
        if one.pilot.phase is Phase.APPLYING and one.pilot.to_step is None:
            return self._hand_over(one)
        return None

    def _is_mine(self, by: ProcessIdentity | None) -> bool:
        """Whether to carry on: another dispatcher that began it does so itself while it lives."""
        return by is None or by == self._me or by.host != self._me.host or is_dead(by)

    def _begin_trial(self, one: _Run) -> Turn | None:
        candidate = one.pilot.candidates[0]
        if one.seen.trial(candidate, one.pilot.mark).state != "not begun":
            return None
        try:
            self._start_trial(self._home, one.record.id, candidate.remedy)
        except (UnknownRunError, *_PASSING):
            raise
        except EdgeFTError as error:
            return not_proven(one.pilot, one.seen, str(error))
        return None

    def _hand_over(self, one: _Run) -> Turn | None:
        """A run of its own gets the fix, and what is left of the acts; this one ends."""
        child = self._made_before(one) or self._made(one)
        words = one.pilot.candidates[0].words
        left = may_act_more(one.pilot.acts_left)
        reason = f"{child.name} has the fix ({words}), and the autopilot; this run ends. {left}"
        ends = one.record.state in ACTIVE | {RunState.QUEUED}
        requests = (ControlRequest(0, "stop"),) if ends else ()
        turn = Turn(one.pilot.turn(Phase.HANDED_OVER, reason, child=child.id), requests)
        if self._take(one, turn):
            self._catalog.add_history(child.id, AUTOPILOT, Autopilot.of(child).reason, step=0, data={})
        else:  # switched off at this very moment
            control.stop(self._home, child.id, requested_by=AUTOPILOT)
        return None

    def _made_before(self, one: _Run) -> RunRecord | None:
        """The run that a dispatcher made which died before it could say so."""
        mine = (one.record.id, one.pilot.acts)
        made = (run for run in self._catalog.runs() if run.parent_id == one.record.id)
        return next((run for run in made if (Autopilot.of(run).parent, Autopilot.of(run).act) == mine), None)

    def _made(self, one: _Run) -> RunRecord:
        remedy = one.pilot.candidates[0].remedy
        done = apply_remedy(
            self._home,
            one.record.id,
            replace(remedy, rewind=True),  # never from what has collapsed
            proof=proof_of(self._home, one.record.id, remedy.cause),
            summary={AUTOPILOT: inherited(one.record, one.pilot).as_dict()},
        )
        return done.run


def _is_calm(run: RunRecord) -> bool:
    """Whether a run that goes is watched and has no trouble: what its row tells is enough, several times a second."""
    goes = run.state in ACTIVE | {RunState.QUEUED}
    return goes and Autopilot.of(run).phase is Phase.WATCHING and run.summary.get("verdict") not in TROUBLE


def inherited(run: RunRecord, pilot: Autopilot) -> Autopilot:
    """The autopilot of the run that takes the place of ``run``: it may do what this one may still do."""
    left = pilot.acts_left
    fresh = Autopilot(max_acts=left, parent=run.id, act=pilot.acts).turn(
        Phase.WATCHING, f"Made by the autopilot of {run.name}. {may_act_more(left)}"
    )
    return fresh if left else fresh.turn(Phase.GIVEN_UP, fresh.reason)


def _sentence(error: Exception) -> str:
    """What to tell people; a surprise goes to the log in full."""
    if isinstance(error, EdgeFTError):
        return str(error)
    log.error("the autopilot broke", exc_info=error)
    return f"Unexpected {type(error).__name__}: {error}. dispatcher.log tells more."
