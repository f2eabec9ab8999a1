"""From a remedy to two configs and a place to start from. Loads without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import flatten, live_keys, with_values
from edgeft_core.errors import RequestError
from edgeft_core.proof.record import OWN_CHANGES, Remedy, StartKind

_OTHER_IMAGES: Final = frozenset(
    {
        *("data.source", "data.identities", "data.images_per_identity"),
        *("data.validation_fraction", "data.test_fraction", "seed"),
    }
)
_SEEN: Final = frozenset(
    {
        *("data.normalisation", "data.train_on", "data.low_res_px", "data.super_resolution", "data.image_px"),
        *("backbone.name", "backbone.weights", "backbone.embedding_dim", "backbone.allow_partial"),
        "backbone.multiply_low_rank",
    }
)


@dataclass(frozen=True)
class Plan:
    """Attributes:
    without, with_fix: the settings of both twins.
    start: where they set out from.
    """

    without: RunConfig
    with_fix: RunConfig
    start: StartKind


def plan(config: RunConfig, remedy: Remedy) -> Plan:
    """What to try.

    Args:
        config: the settings in force.

    Raises:
        RequestError: there is nothing that could be tried, and why.
        ConfigError: lists every change that is unknown or out of bounds.
    """
    changed = with_values(config, remedy.changes)
    keys = different(config, changed)
    if not keys:
        raise RequestError(_nothing_to_try(remedy))
    if others := sorted(keys & _OTHER_IMAGES):
        raise RequestError(
            f"{', '.join(others)} would give the twins other images, and then they cannot be compared; start a new run."
        )
    if keys & _SEEN:
        return Plan(config, changed, "beginning")
    return Plan(config, changed, "before_trouble" if remedy.rewind else "checkpoint")


def different(config: RunConfig, changed: RunConfig) -> set[str]:
    """Keys whose values differ."""
    before, after = flatten(config), flatten(changed)
    return {key for key, value in after.items() if before[key] != value}


def remedy_of(config: RunConfig, changes: Mapping[str, Any], cause: str = OWN_CHANGES) -> Remedy:
    """Changes that somebody chose, as a remedy: those that are live, and those that need a restart.

    Raises:
        ConfigError: lists every change that is unknown or out of bounds.
    """
    changed = flatten(with_values(config, changes))
    live = frozenset(live_keys(config))
    typed = {key: changed[key] for key in changes}
    return Remedy(
        cause,
        live={key: value for key, value in typed.items() if key in live},
        restart={key: value for key, value in typed.items() if key not in live},
    )


def _nothing_to_try(remedy: Remedy) -> str:
    if remedy.changes:
        told = ", ".join(f"{key}={value}" for key, value in remedy.changes.items())
        return f"There is nothing to try: {told} is in force already."
    return (
        "There is nothing to try: this fix is no setting (it is about the images, their names, or the program). Try "
        "settings of your own with --set KEY=VALUE."
    )
