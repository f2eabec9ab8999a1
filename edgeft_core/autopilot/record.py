"""What is kept of a run's autopilot: its phase, how often it acted, and what it is about to try. Plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from edgeft_core.errors import TransitionError
from edgeft_core.proof.record import Remedy
from edgeft_core.store.contract import AUTOPILOT, CommandRecord, ProcessIdentity, RunRecord


class Phase(StrEnum):
    OFF = "off"
    WATCHING = "watching"
    PROVING = "proving"  # two twins try the first of the candidates
    APPLYING = "applying"  # a proven fix is on its way
    HANDED_OVER = "handed over"  # to a run of its own, which has the fix
    GIVEN_UP = "given up"


TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.OFF: frozenset({Phase.WATCHING}),
    Phase.WATCHING: frozenset({Phase.PROVING, Phase.GIVEN_UP, Phase.OFF}),
    Phase.PROVING: frozenset(
        {
            Phase.PROVING,
            Phase.APPLYING,
            Phase.WATCHING,
            Phase.GIVEN_UP,
            Phase.OFF,
        }  # itself: the next candidate
    ),
    Phase.APPLYING: frozenset({Phase.WATCHING, Phase.HANDED_OVER, Phase.GIVEN_UP, Phase.OFF}),
    Phase.HANDED_OVER: frozenset({Phase.WATCHING}),
    Phase.GIVEN_UP: frozenset({Phase.WATCHING, Phase.OFF}),
}
"""The only ways from phase to phase."""

AT_WORK = frozenset({Phase.PROVING, Phase.APPLYING})


@dataclass(frozen=True)
class Candidate:
    """A fix that may be tried.

    Attributes:
        confidence: of its cause, 0 to 1.
        words: what it changes, for people.
    """

    remedy: Remedy
    confidence: float
    words: str


@dataclass(frozen=True)
class Autopilot:
    """The autopilot of one run.

    Attributes:
        acts: how often it gave the run a proven fix since it was switched on; never more than ``max_acts``.
        reason: why the phase is what it is, in a sentence.
        at: since when it is (ISO, UTC).
        candidates: fixes to be tried, the likeliest first; the first is being tried, or applied.
        tried: fixes of this trouble that were not proven, in words with what came of them.
        mark: what told of trials before this one.
        after_command: id of the newest command before it acted.
        to_step: of the checkpoint that it goes back to; None where the fix needs a run of its own.
        by: the process that carries on with a phase that is work, while it lives.
        child: the run that it handed over to.
        parent, act: the run whose autopilot started this one, and with which of its acts.
    """

    phase: Phase = Phase.OFF
    max_acts: int = 2
    acts: int = 0
    reason: str = ""
    at: str = ""
    candidates: tuple[Candidate, ...] = ()
    tried: tuple[str, ...] = ()
    mark: str = ""
    after_command: int = 0
    to_step: int | None = None
    by: ProcessIdentity | None = None
    child: str = ""
    parent: str = ""
    act: int = 0

    @staticmethod
    def of(run: RunRecord) -> Autopilot:
        """As it is kept with a run; as the settings say where nothing happened yet."""
        kept = run.summary.get(AUTOPILOT)
        if isinstance(kept, Mapping):
            return Autopilot.from_dict(kept)
        asked = run.config.autopilot
        on = asked.enabled and run.config.sweep is None  # many heads have no verdict in common
        return Autopilot(Phase.WATCHING if on else Phase.OFF, asked.max_acts)

    @property
    def is_on(self) -> bool:
        return self.phase in AT_WORK | {Phase.WATCHING}

    @property
    def acts_left(self) -> int:
        return max(0, self.max_acts - self.acts)

    def turn(self, phase: Phase, reason: str, **changes: Any) -> Autopilot:
        """The next phase, and why.

        Raises:
            TransitionError: no way leads there.
        """
        if phase not in TRANSITIONS[self.phase]:
            raise TransitionError(f"The autopilot is {self.phase} and cannot become {phase}.")
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(self, phase=phase, reason=reason, at=at, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "phase": self.phase.value}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Autopilot:
        """The reverse of :meth:`as_dict`; a phase of a newer version reads as off."""
        phase = Phase(data["phase"]) if data.get("phase") in set(Phase) else Phase.OFF
        by = data.get("by")
        return Autopilot(
            phase=phase,
            max_acts=int(data.get("max_acts") or 0),
            acts=int(data.get("acts") or 0),
            reason=str(data.get("reason") or ""),
            at=str(data.get("at") or ""),
            candidates=tuple(_candidate(one) for one in data.get("candidates") or ()),
            tried=tuple(str(one) for one in data.get("tried") or ()),
            mark=str(data.get("mark") or ""),
            after_command=int(data.get("after_command") or 0),
            to_step=None if data.get("to_step") is None else int(data["to_step"]),
            by=ProcessIdentity(**by) if by else None,
            child=str(data.get("child") or ""),
            parent=str(data.get("parent") or ""),
            act=int(data.get("act") or 0),
        )


def paused_by_autopilot(commands: Iterable[CommandRecord]) -> bool:
    """Whether a run that is paused is so because the autopilot asked for it."""
    turns = [one for one in commands if one.kind in {"pause", "resume"} and one.outcome != "refused"]
    return bool(turns) and (turns[-1].kind, turns[-1].requested_by) == ("pause", AUTOPILOT)


def _candidate(data: Mapping[str, Any]) -> Candidate:
    return Candidate(Remedy.from_dict(data["remedy"]), float(data["confidence"]), str(data["words"]))
