"""Which settings a run's commands put in force, read from the commands alone. Loads without torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import settings_of
from edgeft_core.events import Past, TakenBack
from edgeft_core.ramps import Ramp
from edgeft_core.store.contract import CommandRecord


def in_order(commands: Iterable[CommandRecord]) -> list[CommandRecord]:
    """The commands that took effect, in the order in which they did.

    Rewinds come as they were asked for. Between two of them steps decide: what a replay has to do at a later step was
    asked for before what somebody asks of it meanwhile.
    """
    done: list[CommandRecord] = []
    since: list[CommandRecord] = []
    for command in commands:
        if command.outcome != "applied" or command.step is None:
            continue
        if command.kind == "rewind":
            done += [*sorted(since, key=_place), command]
            since = []
        else:
            since.append(command)
    return [*done, *sorted(since, key=_place)]


def _place(command: CommandRecord) -> tuple[int, int]:
    return command.step or 0, command.id


def standing(commands: Iterable[CommandRecord]) -> list[CommandRecord]:
    """The commands that took effect and still count, in order: a rewind takes back those after its checkpoint."""
    found: list[CommandRecord] = []
    for command in in_order(commands):
        if (to_step := command.to_step) is not None:
            found = [one for one in found if one.step is not None and one.step <= to_step]
        found.append(command)
    return found


def past_of(commands: Iterable[CommandRecord]) -> Past:
    """What the journal tells whoever takes the run up again."""
    told = list(commands)
    rewinds: list[TakenBack] = []
    found: list[CommandRecord] = []
    for command in in_order(told):
        if (to_step := command.to_step) is not None:
            gone = frozenset(one.id for one in found if (one.step or 0) > to_step)
            rewinds.append(TakenBack(command.id, to_step, gone))
            found = [one for one in found if one.id not in gone]
        found.append(command)
    refused = frozenset(one.id for one in told if one.outcome == "refused" and one.step is None)
    return Past(tuple(rewinds), refused)


def values_now(commands: Iterable[CommandRecord]) -> dict[str, Any]:
    """Settings that were changed, with the values now in force; of a gradual change, the value that it comes to."""
    values: dict[str, Any] = {}
    for command in standing(commands):
        if command.kind == "set":
            values |= command.changes
    return values


def values_at(config: RunConfig, commands: Iterable[CommandRecord], step: int) -> dict[str, Any]:
    """Settings that were changed, with the values in force in a step; gradual changes are as far as they were."""
    values: dict[str, Any] = {}
    for command in standing(commands):
        if command.kind == "set" and command.step is not None and command.step <= step:
            ramps = ramps_of(config, command)
            values |= {
                key: ramps[key].at(step) if key in ramps else value for key, value in command.changes.items()
            }
    return values


def to_undo(commands: Sequence[CommandRecord]) -> CommandRecord | None:
    """The change that an undo takes back next: the latest that still counts and was not taken back already."""
    stack: list[CommandRecord] = []
    for command in standing(commands):
        if (undone := command.options.get("undoes")) is not None:
            stack = [one for one in stack if one.id != undone]
        elif command.kind == "set":
            stack.append(command)
    return stack[-1] if stack else None


def ramps_of(config: RunConfig, command: CommandRecord) -> dict[str, Ramp]:
    """The way of each setting that a command changes gradually; none where it jumps."""
    if not command.over_steps or command.step is None:
        return {}
    known = settings_of(config)
    return {
        key: Ramp(
            float(command.previous[key]), float(value), command.step, command.over_steps, known[key].log
        )
        for key, value in command.changes.items()
        if key in known and key in command.previous
    }
