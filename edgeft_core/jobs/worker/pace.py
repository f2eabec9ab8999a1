"""How fast a run goes and when it will be done."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from edgeft_core.config import StageConfig

_WINDOW_S = 20.0
_STANDSTILL = 20.0  # usual steps in which none was done


class Pace:
    """Steps per second over the last seconds, and what is left of the run at that rate.

    Steps of a stage that trains the backbone cost a hundred times those on cached embeddings, so the rate of one
    kind says nothing about the other: while a kind that has not been seen is ahead, only the stage is estimated.
    """

    def __init__(self, stages: Sequence[StageConfig]) -> None:
        self._stages = stages
        self._stage = 0
        self._marks: deque[tuple[float, int]] = deque()  # (seconds, step)
        self._seconds_per_step: dict[tuple[bool, bool], float] = {}

    def plan(self, stages: Sequence[StageConfig]) -> None:
        """What is to be done changed."""
        if self._kind(self._stage) != _kind_of(stages[self._stage]):
            self._marks.clear()
        self._stages = stages

    def restart(self, stage: int | None = None) -> None:
        """A stage begins, or a pause (None): earlier marks would count time in which nothing was trained."""
        self._stage = self._stage if stage is None else stage
        self._marks.clear()

    def mark(self, step: int, at_s: float) -> None:
        """``step`` was done at ``at_s`` seconds."""
        usual_s = self._seconds_per_step.get(self._kind(self._stage))
        if (
            len(self._marks) > 1
            and usual_s
            and at_s - self._marks[-1][0] > max(_WINDOW_S, _STANDSTILL * usual_s)
        ):
            self._marks.clear()  # a full disk, a machine that slept: nothing was trained. Twice in a row, it is slow.
        self._marks.append((at_s, step))
        while len(self._marks) > 2 and at_s - self._marks[0][0] > _WINDOW_S:
            self._marks.popleft()
        (begun_s, first) = self._marks[0]
        if step > first and at_s > begun_s:
            self._seconds_per_step[self._kind(self._stage)] = (at_s - begun_s) / (step - first)

    def eta(self, epoch: float, steps_per_epoch: int) -> tuple[float | None, str]:
        """Seconds until the end and of what: ("run" or "stage"); None before anything was measured.

        Args:
            epoch: fractional position within the current stage.
        """
        here = self._seconds_per_step.get(self._kind(self._stage))
        if here is None:
            return None, "run"
        left_s = max(0.0, self._stages[self._stage].epochs - epoch) * steps_per_epoch * here
        for index in range(self._stage + 1, len(self._stages)):
            later = self._seconds_per_step.get(self._kind(index))
            if later is None:
                return left_s, "stage"
            left_s += self._stages[index].epochs * steps_per_epoch * later
        return left_s, "run"

    def _kind(self, stage: int) -> tuple[bool, bool]:
        return _kind_of(self._stages[stage])


def _kind_of(stage: StageConfig) -> tuple[bool, bool]:
    """Whether its steps train the backbone, and whether they work on cached embeddings."""
    return stage.train_backbone, not stage.train_backbone and stage.cached_views > 0
