"""What is injected: a run as somebody would have started it, and what should be said about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

from benchmarks.faults.ground import Ground, Kind
from edgeft_core.config import RunConfig

Group = Literal["fault", "healthy"]
Inject = Callable[[Ground], "Situation"]
EVERYWHERE: tuple[Kind, ...] = ("synthetic", "faces")


@dataclass(frozen=True)
class Situation:
    """A run about to start.

    Attributes:
        tampering: what is wrong with the program around it (a wrapped network, a changed loop), for as long as it
            and its probes run.
        steps: the run is stopped after so many.
    """

    config: RunConfig
    tampering: Callable[[], AbstractContextManager[object]] = nullcontext
    steps: int = 300


@dataclass(frozen=True)
class Fault:
    """One way to get it wrong.

    Attributes:
        name: unique, ``cause/how``, or ``healthy/how``.
        title: what somebody did.
        inject: the run with the fault.
        mend: the run after doing what the cause's text asks for, where no setting does it; None where one does.
        also: further causes that are as right, because the fault is more than one of them.
        on: data on which it is tried.
    """

    name: str
    title: str
    inject: Inject
    mend: Inject | None = None
    also: tuple[str, ...] = ()
    on: tuple[Kind, ...] = EVERYWHERE

    @property
    def cause(self) -> str:
        """What should come first; empty for a healthy run."""
        return self.name.partition("/")[0] if self.group == "fault" else ""

    @property
    def group(self) -> Group:
        return "healthy" if self.name.startswith("healthy/") else "fault"

    @property
    def right(self) -> tuple[str, ...]:
        """Answers that are right."""
        return (self.cause, *self.also) if self.cause else ("", "early")
