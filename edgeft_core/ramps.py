"""Settings that move to a new value over many steps instead of jumping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import settings_of, value_of
from edgeft_core.errors import ConfigError


@dataclass(frozen=True)
class Ramp:
    """One setting on its way.

    Attributes:
        start: the value before step ``first``; target: the value in step ``last`` and after it.
        geometric: every step multiplies by the same factor, as suits rates and scales; else it adds the same amount.
    """

    start: float
    target: float
    first: int
    steps: int
    geometric: bool = False

    @property
    def last(self) -> int:
        """The step in which the target is reached."""
        return self.first + self.steps - 1

    def at(self, step: int) -> float:
        """The value in force in a step (1-based)."""
        if step >= self.last:
            return self.target
        share = max(0, step - self.first + 1) / self.steps
        if self.geometric and self.start > 0.0 and self.target > 0.0:
            return float(self.start * (self.target / self.start) ** share)
        return self.start + (self.target - self.start) * share


def ramps_to(target: RunConfig, start: Mapping[str, Any], over_steps: int, first: int = 1) -> dict[str, Ramp]:
    """A ramp for each key of ``start``, from its value there to its value in ``target``.

    Raises:
        ConfigError: lists every key that is not a number.
    """
    known = settings_of(target)
    problems = [
        f"{key}: cannot change gradually, it is either one or the other; change it without 'over'"
        for key in start
        if known[key].kind != "float"
    ]
    if problems:
        raise ConfigError(problems)
    return {
        key: Ramp(float(value), float(value_of(target, key)), first, over_steps, known[key].log)
        for key, value in start.items()
    }
