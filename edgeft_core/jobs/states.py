"""The states of a run and the only transitions between them. Requests (stop, pause) are commands, not states."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    QUEUED = "queued"  # waits for a free slot on its device
    STARTING = "starting"  # a worker claimed it and reads data and weights
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"  # the user ended it; checkpoints are complete
    FAILED = "failed"  # it ended itself with an error
    LOST = "lost"  # its worker died without a word


TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.STARTING, RunState.STOPPED}),
    RunState.STARTING: frozenset({RunState.RUNNING, RunState.STOPPED, RunState.FAILED, RunState.LOST}),
    RunState.RUNNING: frozenset(
        {RunState.PAUSED, RunState.FINISHED, RunState.STOPPED, RunState.FAILED, RunState.LOST}
    ),
    RunState.PAUSED: frozenset({RunState.RUNNING, RunState.STOPPED, RunState.FAILED, RunState.LOST}),
    RunState.FINISHED: frozenset(),
    RunState.STOPPED: frozenset({RunState.QUEUED}),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.LOST: frozenset({RunState.QUEUED}),
}

ACTIVE = frozenset({RunState.STARTING, RunState.RUNNING, RunState.PAUSED})
ENDED = frozenset({RunState.FINISHED, RunState.STOPPED, RunState.FAILED, RunState.LOST})


def sources_of(target: RunState) -> frozenset[RunState]:
    """States from which ``target`` may be entered."""
    return frozenset(source for source, targets in TRANSITIONS.items() if target in targets)
