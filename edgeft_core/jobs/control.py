"""What can be asked of a run. A request to a living worker is a row in the catalog; the rest is done here and now.

Every function takes the home and a run's id, unambiguous id prefix or name, and raises UnknownRunError for others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from edgeft_core import access, store
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import live_keys, settings_of, value_of, with_values
from edgeft_core.errors import ConfigError, TransitionError
from edgeft_core.events import CommandKind, ControlRequest
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.checkpoints import at_or_before
from edgeft_core.jobs.in_force import to_undo, values_now
from edgeft_core.jobs.launching import free_name, launch
from edgeft_core.jobs.liveness import death_of, mark_lost
from edgeft_core.jobs.removal import delete
from edgeft_core.jobs.states import ACTIVE, ENDED, TRANSITIONS, RunState
from edgeft_core.ramps import ramps_to
from edgeft_core.settings import Home
from edgeft_core.store.contract import Catalog, CommandRecord, RunRecord

__all__ = [
    "applied_values",
    "checkpoint",
    "delete",
    "live_values",
    "outcome_of",
    "pause",
    "rename",
    "requeue",
    "restart",
    "resume",
    "rewind",
    "set_values",
    "stop",
    "undo",
]

MOST_STEPS = 10_000_000
"""The longest way that a gradual change may take."""

_ASK_AGAIN_S = 0.02
_LOOK_FOR_DEATH_S = 1.0

# kind of request -> states in which it makes sense, and the words for it
_POSSIBLE: dict[CommandKind, frozenset[RunState]] = {
    "set": ACTIVE | {RunState.QUEUED},
    "pause": ACTIVE,
    "resume": ACTIVE,
    "stop": ACTIVE,
    "checkpoint": ACTIVE,
    "rewind": ACTIVE | {RunState.QUEUED},
}
_WORDS: dict[CommandKind, str] = {
    "set": "changed live",
    "pause": "paused",
    "resume": "resumed",
    "stop": "stopped",
    "checkpoint": "saved",
    "rewind": "taken back",
}


@contextmanager
def _opened(home: Home, run: str) -> Iterator[tuple[Catalog, RunRecord]]:
    """The catalog and the run, seen as lost if its worker is gone. Raises AccessError for who may only look."""
    access.require_control()
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        yield catalog, _true_state(catalog, catalog.run(run))


def _true_state(catalog: Catalog, record: RunRecord) -> RunRecord:
    if record.state in ACTIVE and (why := death_of(record)) is not None:
        mark_lost(catalog, record, why, again=True)
        return catalog.run(record.id)
    return record


def set_values(
    home: Home,
    run: str,
    changes: Mapping[str, Any],
    *,
    over_steps: int = 0,
    requested_by: str = "user",
    wait_s: float | None = None,
) -> CommandRecord:
    """Ask the running job to change live settings, all in the same step.

    Args:
        changes: dotted key -> value; text is parsed as the setting's type.
        over_steps: go there gradually over so many steps; 0 jumps.
        wait_s: wait so long for the outcome; None returns at once.

    Returns:
        The command; its ``outcome`` is "pending" unless it was waited for and handled.

    Raises:
        ConfigError: lists every key that is unknown, out of bounds or cannot change live.
        TransitionError: the run has ended.
    """
    with _opened(home, run) as (catalog, record):
        typed = live_values(settings_now(catalog, record), changes)
        options = _gradual(record.config, typed, over_steps) if over_steps else {}
        return _ask(catalog, record, "set", typed, options=options, requested_by=requested_by, wait_s=wait_s)


def _gradual(config: RunConfig, changes: Mapping[str, Any], over_steps: int) -> dict[str, Any]:
    """The options of a change over many steps. Raises ConfigError."""
    if not 1 <= over_steps <= MOST_STEPS:
        raise ConfigError([f"over: give a number of steps from 1 to {MOST_STEPS} (got {over_steps})"])
    ramps_to(with_values(config, changes), changes, over_steps)
    return {"over_steps": over_steps}


def live_values(config: RunConfig, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes with values of the settings' types.

    Raises:
        ConfigError: lists every key that is unknown, out of bounds or cannot change live.
    """
    known, live = settings_of(config), frozenset(live_keys(config))
    problems = [
        f"{key}: cannot change while the run goes; fork the run with this value, or change one of "
        f"{', '.join(sorted(live))}"
        for key in changes
        if key in known and key not in live
    ]
    try:
        changed = with_values(config, changes)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return {key: value_of(changed, key) for key in changes}


def pause(home: Home, run: str, *, requested_by: str = "user", wait_s: float | None = None) -> CommandRecord:
    """Halt before the next step; the worker keeps everything in memory. Raises TransitionError if it has ended."""
    with _opened(home, run) as (catalog, record):
        return _ask(catalog, record, "pause", {}, requested_by=requested_by, wait_s=wait_s)


def resume(
    home: Home, run: str, *, requested_by: str = "user", wait_s: float | None = None
) -> CommandRecord | RunRecord:
    """Go on: a paused run at once, a stopped, failed or lost one from its last checkpoint, by way of the queue.

    Returns:
        The command to a living worker, or the queued run.

    Raises:
        TransitionError: the run is finished or waits in the queue already.
    """
    with _opened(home, run) as (catalog, record):
        if record.state in ACTIVE:
            return _ask(catalog, record, "resume", {}, requested_by=requested_by, wait_s=wait_s)
        return _requeue(home, catalog, record)


def requeue(home: Home, run: str) -> RunRecord:
    """Put a stopped, failed or lost run back into the queue; it goes on from its last checkpoint.

    Raises:
        TransitionError: it still goes, or is finished.
    """
    with _opened(home, run) as (catalog, record):
        return _requeue(home, catalog, record)


def _requeue(home: Home, catalog: Catalog, record: RunRecord) -> RunRecord:
    if RunState.QUEUED not in TRANSITIONS[record.state]:
        hint = "; restart it with other values instead" if record.state is RunState.FINISHED else ""
        raise TransitionError(
            f"Run {record.name} ({record.id}) is {record.state} and cannot be resumed{hint}."
        )
    queued = catalog.move_run(record.id, RunState.QUEUED, step=int(record.summary.get("step") or 0))
    dispatcher.ensure(home)
    return queued


def stop(
    home: Home, run: str, *, requested_by: str = "user", wait_s: float | None = None
) -> CommandRecord | RunRecord:
    """End the run with a checkpoint. One that still waits in the queue is stopped at once.

    Returns:
        The command to a living worker, or the stopped run.

    Raises:
        TransitionError: it has ended already.
    """
    with _opened(home, run) as (catalog, record):
        if record.state is RunState.QUEUED:
            try:
                return catalog.move_run(record.id, RunState.STOPPED)
            except TransitionError:  # a worker was faster
                return _ask(
                    catalog, catalog.run(record.id), "stop", {}, requested_by=requested_by, wait_s=wait_s
                )
        return _ask(catalog, record, "stop", {}, requested_by=requested_by, wait_s=wait_s)


def checkpoint(
    home: Home, run: str, *, requested_by: str = "user", wait_s: float | None = None
) -> CommandRecord:
    """Save a checkpoint that is kept, after the step in progress. Raises TransitionError if the run has ended."""
    with _opened(home, run) as (catalog, record):
        return _ask(catalog, record, "checkpoint", {}, requested_by=requested_by, wait_s=wait_s)


def rewind(
    home: Home, run: str, to_step: int, *, requested_by: str = "user", wait_s: float | None = None
) -> CommandRecord:
    """Take the run back to its newest checkpoint at or before a step, and go on from there.

    What it did after that checkpoint is gone: numbers, later checkpoints, live changes. One that was stopped, failed
    or got lost goes back into the queue for it.

    Raises:
        RequestError: no checkpoint is early enough.
        TransitionError: the run is finished.
    """
    with _opened(home, run) as (catalog, record):
        saved = at_or_before(catalog, record, to_step)
        if record.state is RunState.FINISHED:
            raise TransitionError(
                f"Run {record.name} ({record.id}) is finished and cannot be taken back; fork it at step {saved.step}."
            )
        asked = _requeue(home, catalog, record) if record.state in ENDED else record
        options = {"to_step": saved.step}
        return _ask(catalog, asked, "rewind", {}, options=options, requested_by=requested_by, wait_s=wait_s)


def undo(home: Home, run: str, *, requested_by: str = "user", wait_s: float | None = None) -> CommandRecord:
    """Take back the latest change of settings that was not taken back yet: the values of before, at once.

    Raises:
        TransitionError: there is none, or it is still on its way, or the run has ended.
    """
    with _opened(home, run) as (catalog, record):
        commands = catalog.commands(record.id)
        if any(one.kind in {"set", "rewind"} and one.outcome == "pending" for one in commands):
            raise TransitionError("A change is still on its way; undo it once it has taken effect.")
        latest = to_undo(commands)
        if latest is None:
            raise TransitionError(f"Run {record.name} ({record.id}) has no change that could be taken back.")
        options, previous = {"undoes": latest.id}, dict(latest.previous)
        return _ask(
            catalog, record, "set", previous, options=options, requested_by=requested_by, wait_s=wait_s
        )


def restart(
    home: Home,
    run: str,
    changes: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    summary: Mapping[str, Any] | None = None,
) -> RunRecord:
    """A new run with this one's settings, live changes included, and some of them changed.

    Args:
        summary: facts that lists show of the new run.

    Raises:
        ConfigError: lists every key that is unknown and every value out of bounds.
    """
    with _opened(home, run) as (catalog, record):
        config = with_values(record.config, {**applied_values(catalog, record.id), **(changes or {})})
        chosen = name.strip() or free_name(catalog, record.name)
    return launch(home, config, name=chosen, parent_id=record.id, summary=summary)


def applied_values(catalog: Catalog, run_id: str) -> dict[str, Any]:
    """Live settings that were changed, with the values now in force."""
    return values_now(catalog.commands(run_id))


def settings_now(catalog: Catalog, record: RunRecord) -> RunConfig:
    """The run's settings with the live changes that took effect."""
    known = settings_of(record.config)
    try:
        values = {key: value for key, value in applied_values(catalog, record.id).items() if key in known}
        return with_values(record.config, values)
    except ConfigError:  # a journal of an older version whose bounds were wider
        return record.config


def rename(home: Home, run: str, name: str) -> None:
    """Raises RequestError for an empty name."""
    access.require_control()
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        catalog.rename_run(catalog.run(run).id, name)


def _ask(
    catalog: Catalog,
    record: RunRecord,
    kind: CommandKind,
    changes: Mapping[str, Any],
    *,
    options: Mapping[str, Any] | None = None,
    requested_by: str,
    wait_s: float | None,
) -> CommandRecord:
    if record.state not in _POSSIBLE[kind]:
        more = "it has ended" if record.state in ENDED else "its turn has not come yet"
        raise TransitionError(
            f"Run {record.name} ({record.id}) is {record.state} and cannot be {_WORDS[kind]}: {more}."
        )
    request = ControlRequest(0, kind, changes, options or {})
    asking = access.visitor().name or requested_by
    command = catalog.add_command(record.id, request, requested_by=asking)
    return command if wait_s is None else outcome_of(catalog, command, wait_s)


def outcome_of(catalog: Catalog, command: CommandRecord, wait_s: float) -> CommandRecord:
    """The command as it is once it was handled, or still pending when ``wait_s`` is over."""
    deadline = time.monotonic() + wait_s
    look_for_death_at = time.monotonic() + _LOOK_FOR_DEATH_S
    while (command := catalog.command(command.id)).outcome == "pending":
        now = time.monotonic()
        if now >= deadline:
            break
        if now >= look_for_death_at:
            _true_state(catalog, catalog.run(command.run_id))
            look_for_death_at = now + _LOOK_FOR_DEATH_S
        time.sleep(_ASK_AGAIN_S)
    return command
