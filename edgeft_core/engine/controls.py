"""Live control: what the engine asks for between two steps, and which settings may change."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from edgeft_core.config import HeadConfig, RunConfig, StageConfig
from edgeft_core.config_keys import flatten, live_keys, settings_of, with_values
from edgeft_core.errors import ConfigError
from edgeft_core.events import ControlRequest


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
    """The settings in force: the run's config with the live changes applied so far."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self._live = frozenset(live_keys(config))

    @property
    def head(self) -> HeadConfig:
        return self.config.head

    def stage(self, index: int) -> StageConfig:
        return self.config.stages[index]

    def change(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put several settings in force at once, or none of them.

        Returns:
            the previous value of each key.

        Raises:
            ConfigError: lists every key that is unknown, out of bounds or not live.
        """
        known = settings_of(self.config)
        problems = [
            f"{key}: cannot change while the run goes; restart the run with this value"
            for key in changes
            if key in known and key not in self._live
        ]
        try:
            changed = with_values(self.config, changes)
        except ConfigError as error:
            raise ConfigError([*problems, *error.problems]) from None
        if problems:
            raise ConfigError(problems)
        before = flatten(self.config)
        self.config = changed
        return {key: before[key] for key in changes}
