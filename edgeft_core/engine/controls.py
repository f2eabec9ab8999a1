"""Live control: what the engine asks for between two steps, and which settings may change."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from edgeft_core.config import HeadConfig, RunConfig, StageConfig
from edgeft_core.config_keys import flatten, settings_of, with_values
from edgeft_core.errors import ConfigError
from edgeft_core.events import ControlRequest
from edgeft_core.ramps import Ramp, ramps_to


class Controls(Protocol):
    """Where live commands come from; the engine calls both methods from its own thread."""

    def poll(self, next_step: int) -> Sequence[ControlRequest]:
        """New requests, oldest first, each handed out once; they take effect at ``next_step`` (1-based).

        Called before every step and during longer work: it must be cheap.
        """
        ...

    def wait(self, timeout_s: float) -> None:
        """Sleep until a request may be there, at most ``timeout_s``. Called while the run is paused."""
        ...


class NoControls:
    """Nobody interferes."""

    def poll(self, next_step: int) -> Sequence[ControlRequest]:  # noqa: ARG002
        return ()

    def wait(self, timeout_s: float) -> None:
        time.sleep(timeout_s)


class LiveSettings:
    """The settings in force: the run's config with the live changes applied so far.

    Attributes:
        ramps: settings on their way to a new value, by key.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.ramps: dict[str, Ramp] = {}

    @property
    def head(self) -> HeadConfig:
        return self.config.head

    def stage(self, index: int) -> StageConfig:
        return self.config.stages[index]

    def change(self, changes: Mapping[str, Any], *, over_steps: int = 0, step: int = 1) -> dict[str, Any]:
        """Put several settings in force at once, or none of them; each ends a ramp of its setting.

        Args:
            over_steps: come there gradually, beginning with ``step``; 0 jumps.

        Returns:
            the previous value of each key.

        Raises:
            ConfigError: lists every key that is unknown, out of bounds, not live, or not a number where it is to
                change gradually.
        """
        changed = changed_live(self.config, changes)
        before = flatten(self.config)
        previous = {key: before[key] for key in changes}
        ramps = ramps_to(changed, previous, over_steps, step) if over_steps else {}
        self.ramps = {key: ramp for key, ramp in self.ramps.items() if key not in changes} | ramps
        self.config = _with_numbers(changed, {key: ramp.start for key, ramp in ramps.items()})
        return previous

    def follow(self, step: int) -> None:
        """Put in force what the ramps say for a step."""
        self.config = _with_numbers(self.config, {key: ramp.at(step) for key, ramp in self.ramps.items()})
        self.ramps = {key: ramp for key, ramp in self.ramps.items() if step < ramp.last}

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of the ramps, as plain values."""
        return {key: asdict(ramp) for key, ramp in self.ramps.items()}

    def load(self, config: RunConfig, ramps: Mapping[str, Any]) -> None:
        """Take up where :meth:`state` was written, under ``config``."""
        self.config = config
        self.ramps = {key: Ramp(**state) for key, state in ramps.items()}


def changed_live(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """The config with live settings changed.

    Raises:
        ConfigError: lists every key that is unknown, out of bounds or not live.
    """
    known = settings_of(config)
    problems = [
        f"{key}: cannot change while the run goes; fork the run with this value"
        for key in changes
        if key in known and not known[key].live
    ]
    try:
        changed = with_values(config, changes)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return changed


def _with_numbers(config: RunConfig, values: Mapping[str, float]) -> RunConfig:
    """A copy with numbers between checked ones: validating the whole tree would cost a tenth of a step."""
    for key, value in values.items():
        section, *place, name = key.split(".")
        if place:
            stages = list(config.stages)
            number = int(place[0])
            stages[number] = stages[number].model_copy(update={name: value})
            config = config.model_copy(update={section: tuple(stages)})
        else:
            part = getattr(config, section).model_copy(update={name: value})
            config = config.model_copy(update={section: part})
    return config
