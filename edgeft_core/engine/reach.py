"""Settings that decide what is done next, and where in the run they can still do so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edgeft_core.engine.leg import Leg
from edgeft_core.errors import ConfigError

_PLAN = frozenset({"epochs", "train_backbone", "patience_epochs", "validate_every_epochs"})


def shapes_the_plan(keys: Iterable[str]) -> bool:
    """Whether one of the settings decides what is done next, and not only with which number."""
    return any(key.rsplit(".", 1)[-1] in _PLAN for key in keys)


def refuse_out_of_reach(leg: Leg, changes: Mapping[str, Any]) -> None:
    """Refuse what would change a stage that is over, or end one before the epoch that is under way.

    Raises:
        ConfigError: lists every such key.
    """
    if problems := [text for key, value in changes.items() if (text := _problem(leg, key, value))]:
        raise ConfigError(problems)


def _problem(leg: Leg, key: str, value: Any) -> str:
    section, _, rest = key.partition(".")
    number, _, name = rest.partition(".")
    if section != "stages" or name not in _PLAN or not number.isdigit():
        return ""
    if int(number) < leg.index:
        return f"{key}: that stage is over; rewind the run to a checkpoint inside it, or change a later stage"
    under_way = leg.session.position.epoch + 1
    if int(number) == leg.index and name == "epochs" and str(value).isdigit() and int(value) < under_way:
        return f"{key}: epoch {under_way} is under way; {under_way} ends the stage after it (got {value})"
    return ""
