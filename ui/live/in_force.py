"""What is in force, what was asked for and what was refused, as a run's commands tell it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeft_core.config_keys import settings_of, value_of
from edgeft_core.jobs.in_force import ramps_of, standing
from edgeft_core.ramps import Ramp
from edgeft_core.store.contract import CommandRecord, RunRecord


class InForce:
    """The live settings of one run at one moment.

    Attributes:
        described: every setting of the run, by key.
        values: in force; of a gradual change, what it comes to.
        asked: on their way to the worker. refused: key -> why, until it is asked for again.
        ramps: changes that are not there yet.
    """

    def __init__(self, record: RunRecord, commands: Sequence[CommandRecord]) -> None:
        self.described = settings_of(record.config)
        self.values = {key: value_of(record.config, key) for key, one in self.described.items() if one.live}
        self.asked: dict[str, Any] = {}
        self.refused: dict[str, str] = {}
        self.ramps: dict[str, Ramp] = {}
        self._record = record
        for command in standing(commands):
            if command.kind == "set":
                self._put(command)
        for command in commands:
            if command.kind in {"set", "rewind"}:
                self._note(command)
        step = self.step
        self.ramps = {key: ramp for key, ramp in self.ramps.items() if step < ramp.last}

    @property
    def step(self) -> int:
        """The latest step that the worker told of."""
        return int(self._record.summary.get("step") or 0)

    @property
    def stage(self) -> int:
        """The stage that is trained now."""
        return min(int(self._record.summary.get("stage") or 0), len(self._record.config.stages) - 1)

    def trains_backbone(self, stage: int) -> bool:
        return bool(self.values[f"stages.{stage}.train_backbone"])

    def _put(self, command: CommandRecord) -> None:
        for key, value in command.changes.items():
            self.values[key] = value
            self.ramps.pop(key, None)
        self.ramps |= ramps_of(self._record.config, command)

    def _note(self, command: CommandRecord) -> None:
        for key, value in command.changes.items():
            self.refused.pop(key, None)
            self.asked.pop(key, None)
            if command.outcome == "pending":
                self.asked[key] = value
            elif command.outcome == "refused":
                self.refused[key] = command.reason
