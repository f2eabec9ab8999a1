"""What the autopilot does next, from what it sees of the run. Decides only; nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from edgeft_core.autopilot.record import Autopilot, Candidate, Phase
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.states import ACTIVE, ENDED, RunState
from edgeft_core.proof.record import Proof, Remedy

TROUBLE: Final = frozenset({"collapsed", "diverged"})
"""Verdicts that it acts on. They are given after several checks in a row only, or for numbers that are not finite."""


@dataclass(frozen=True)
class Trouble:
    """A verdict to act on, and the step since which it holds."""

    status: str
    since: int


@dataclass(frozen=True)
class Trial:
    """How the trial of a fix goes.

    Attributes:
        proof: its result.
        error: why it ended without one.
    """

    state: Literal["not begun", "goes", "done", "broke"]
    proof: Proof | None = None
    error: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of the requests of a live fix.

    Attributes:
        refused: why; empty where it was not.
        step: from which the fix is in force.
    """

    settled: bool
    refused: str = ""
    step: int = 0


class Sight(Protocol):
    """What there is to see of one run. What costs something is a method, and asked for only where it matters."""

    @property
    def state(self) -> RunState: ...

    @property
    def step(self) -> int: ...

    @property
    def paused_by_autopilot(self) -> bool: ...

    def trouble(self) -> Trouble | None:
        """None while the verdict is none to act on."""
        ...

    def candidates(self) -> Sequence[Candidate]:
        """Fixes that could be tried now, the likeliest cause's first."""
        ...

    def mark(self, candidate: Candidate) -> str:
        """What tells of its last trial, so that a new one can be told from it."""
        ...

    def trial(self, candidate: Candidate, mark: str) -> Trial: ...

    def is_live(self, remedy: Remedy) -> bool:
        """Whether all that it changes can change while the run goes."""
        ...

    def healthy_step(self) -> int | None:
        """Of the newest checkpoint at which the verdict was healthy or learning; None where there is none left."""
        ...

    def newest_command(self) -> int: ...

    def outcome(self, after_command: int) -> Outcome: ...


@dataclass(frozen=True)
class Turn:
    """The autopilot as it is to be, and what goes with it.

    Attributes:
        requests: to the run; ``requeue`` puts it back into the queue for them.
        act: which of its acts this is; 0 for none.
        proof: the sentence of the proof that it builds on.
    """

    pilot: Autopilot
    requests: tuple[ControlRequest, ...] = ()
    requeue: bool = False
    act: int = 0
    proof: str = ""

    @property
    def data(self) -> Mapping[str, Any]:
        """What goes into the run's history beside the reason."""
        first = self.pilot.candidates[0] if self.pilot.candidates else None
        return {
            "phase": self.pilot.phase.value,
            "act": self.act or None,
            "cause": first.remedy.cause if first else None,
            "changes": first.remedy.changes if first else {},
            "proof": self.proof or None,
            "to_step": self.pilot.to_step,
            "child": self.pilot.child or None,
        }


def decide(pilot: Autopilot, seen: Sight) -> Turn | None:
    """The next turn; None while there is nothing to do but wait."""
    deciding = _DECIDING.get(pilot.phase)
    return deciding(pilot, seen) if deciding else None


def given_up(pilot: Autopilot, seen: Sight, reason: str) -> Turn:
    """Leave the run as it is; one that was paused for a trial goes on."""
    return Turn(pilot.turn(Phase.GIVEN_UP, reason), _go_on(seen))


def not_proven(pilot: Autopilot, seen: Sight, came_of_it: str) -> Turn:
    """On to the next candidate; give up after the last."""
    candidate, *rest = pilot.candidates
    tried = (*pilot.tried, f"{candidate.words}: {came_of_it}")
    if rest:
        reason = f"{came_of_it} Tries {_named(rest[0])} next."
        mark = seen.mark(rest[0])
        after = pilot.turn(Phase.PROVING, reason, candidates=tuple(rest), tried=tried, mark=mark)
        return Turn(after, proof=came_of_it)
    fixes = (
        "the one fix that was tried" if len(tried) == 1 else f"none of the {len(tried)} fixes that were tried"
    )
    verb = "was not proven" if len(tried) == 1 else "was proven"
    reason = f"{came_of_it} Gives up: {fixes} {verb}. The run goes on as it was."
    after = pilot.turn(Phase.GIVEN_UP, reason, candidates=(), tried=tried)
    return Turn(after, _go_on(seen), proof=came_of_it)


def _watching(pilot: Autopilot, seen: Sight) -> Turn | None:
    if seen.state not in {RunState.RUNNING, RunState.FAILED} or (trouble := seen.trouble()) is None:
        return None
    said = f"{trouble.status.capitalize()} since step {trouble.since}"
    if not pilot.acts_left:
        return given_up(pilot, seen, f"{said}, and it has acted {pilot.acts} times: no more is allowed.")
    found = tuple(seen.candidates())
    if not found:
        return given_up(pilot, seen, f"{said}, and no likely cause has a fix that could be tried.")
    mark = seen.mark(found[0])
    reason = f"{said}: tries {_named(found[0])}."
    pause = (ControlRequest(0, "pause"),) if seen.state is RunState.RUNNING else ()
    return Turn(pilot.turn(Phase.PROVING, reason, candidates=found, tried=(), mark=mark), pause)


def _proving(pilot: Autopilot, seen: Sight) -> Turn | None:
    trouble = seen.trouble()
    if seen.state in ENDED and (seen.state is not RunState.FAILED or trouble is None):
        return given_up(pilot, seen, f"The run is {seen.state} before a fix was proven.")
    if trouble is None:
        reason = "The trouble is over before a fix was proven; nothing was changed."
        return Turn(pilot.turn(Phase.WATCHING, reason, candidates=(), tried=()), _go_on(seen))
    trial = seen.trial(pilot.candidates[0], pilot.mark)
    if trial.state in {"not begun", "goes"}:
        return None
    if trial.proof is None or trial.proof.outcome != "verified":
        return not_proven(pilot, seen, trial.proof.sentence if trial.proof else trial.error)
    return _act(pilot, seen, trial.proof) if _may_act(seen) else None


def _may_act(seen: Sight) -> bool:
    """A run that somebody paused, or that is just being taken up again, is left alone until it goes."""
    return seen.state in {RunState.RUNNING, RunState.FAILED} or (
        seen.state is RunState.PAUSED and seen.paused_by_autopilot
    )


def _act(pilot: Autopilot, seen: Sight, proof: Proof) -> Turn:
    candidate, number = pilot.candidates[0], pilot.acts + 1
    said = f"Act {number} of {pilot.max_acts}"
    changes: dict[str, Any] = {"acts": number, "after_command": seen.newest_command(), "to_step": None}
    if not seen.is_live(candidate.remedy):
        reason = f"{said}: a run of its own with {candidate.words}. {proof.sentence}"
        return Turn(pilot.turn(Phase.APPLYING, reason, **changes), act=number, proof=proof.sentence)
    to_step = seen.healthy_step()
    if to_step is None:
        return given_up(
            pilot, seen, f"{proof.sentence} But no checkpoint from before the trouble is left to go back to."
        )
    reason = f"{said}: back to step {to_step}, and {candidate.words}. {proof.sentence}"
    requests = (
        ControlRequest(0, "rewind", options={"to_step": to_step}),
        ControlRequest(0, "set", candidate.remedy.changes),
        *_go_on(seen),
    )
    after = pilot.turn(Phase.APPLYING, reason, **{**changes, "to_step": to_step})
    ended = seen.state is RunState.FAILED
    return Turn(after, requests, requeue=ended, act=number, proof=proof.sentence)


def _applying(pilot: Autopilot, seen: Sight) -> Turn | None:
    if pilot.to_step is None:  # a run of its own is made by whoever decided it
        return None
    outcome = seen.outcome(pilot.after_command)
    if not outcome.settled:
        return None
    if outcome.refused:
        return given_up(pilot, seen, f"The proven fix was refused: {outcome.refused}")
    words = pilot.candidates[0].words
    reason = f"{words}: in force from step {outcome.step} on. {may_act_more(pilot.acts_left)}"
    return Turn(pilot.turn(Phase.WATCHING, reason, candidates=(), tried=()))


_DECIDING: Mapping[Phase, Callable[[Autopilot, Sight], Turn | None]] = {
    Phase.WATCHING: _watching,
    Phase.PROVING: _proving,
    Phase.APPLYING: _applying,
}


def _go_on(seen: Sight) -> tuple[ControlRequest, ...]:
    """A run that the autopilot paused goes on; one that somebody else did stays as it is."""
    paused = seen.state in ACTIVE and seen.paused_by_autopilot
    return (ControlRequest(0, "resume"),) if paused else ()


def _named(candidate: Candidate) -> str:
    return f"{candidate.words}, the fix of {candidate.remedy.cause} ({100 * candidate.confidence:.0f} %)"


def may_act_more(left: int) -> str:
    """``"It may act once more."``"""
    return (
        "It may not act again."
        if not left
        else f"It may act {'once' if left == 1 else f'{left} times'} more."
    )
