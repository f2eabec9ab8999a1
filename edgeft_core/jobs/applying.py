"""Applying a fix: live settings to the running job, everything else as a run of its own. Loads without torch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from edgeft_core import store
from edgeft_core.config_keys import live_keys
from edgeft_core.errors import TransitionError
from edgeft_core.jobs import control
from edgeft_core.jobs.forking import fork
from edgeft_core.jobs.launching import free_name
from edgeft_core.jobs.starting_points import StartingPoint, starting_point
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.proof.plan import different, plan
from edgeft_core.proof.record import Proof, Remedy
from edgeft_core.settings import Home
from edgeft_core.store.contract import Catalog, CommandRecord, RunRecord

Way = Literal["set", "fork", "restart"]

_BY = "proof"


@dataclass(frozen=True)
class Application:
    """How a fix would be applied.

    Attributes:
        way: ``set`` changes the running job; ``fork`` and ``restart`` start another run.
        point: where that run sets out from.
    """

    way: Way
    changes: dict[str, Any]
    point: StartingPoint


@dataclass(frozen=True)
class Applied:
    """What was done.

    Attributes:
        run: the run that has the fix now: this one, or a new one.
        command: the request to the running job, where the fix was live.
        text: in a sentence.
    """

    way: Way
    run: RunRecord
    command: CommandRecord | None
    text: str


def application(catalog: Catalog, run: RunRecord, remedy: Remedy) -> Application:
    """How a fix would be applied to a run as it is now.

    Raises:
        RequestError: there is nothing to change, or nothing that a run like this one could be given.
        ConfigError: lists every change that is unknown or out of bounds.
    """
    config = control.settings_now(catalog, run)
    chosen = plan(config, remedy)
    point = starting_point(catalog, run, chosen.start, 1)
    keys = different(config, chosen.with_fix)
    live = keys <= frozenset(live_keys(config)) and not remedy.rewind
    if live and run.state in ACTIVE | {RunState.QUEUED}:
        changes = {key: value for key, value in remedy.changes.items() if key in keys}
        return Application("set", changes, point)
    changes = {**control.applied_values(catalog, run.id), **remedy.changes}
    return Application("fork" if point.checkpoint else "restart", changes, point)


def apply_remedy(
    home: Home,
    run: str,
    remedy: Remedy,
    *,
    proof: Proof | None = None,
    stop_first: bool = False,
    name: str = "",
    summary: Mapping[str, Any] | None = None,
    wait_s: float | None = None,
) -> Applied:
    """Give a run the fix: at once where that is possible, else as a new run. Both histories tell why.

    Args:
        proof: what the fix did when it was tried; its sentence is the reason that is recorded.
        stop_first: end the run where a new one takes its place.
        name: of a new run; summary: facts that lists show of it.
        wait_s: wait so long for the running job's answer; None returns at once.

    Raises:
        UnknownRunError, RequestError, ConfigError: as :func:`application`.
        TransitionError: the running job refused; says why.
    """
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        record = catalog.run(run)
        how = application(catalog, record, remedy)
        reason = f"proof: {proof.sentence}" if proof else f"fix of {remedy.cause}, not tried before"
        if how.way == "set":
            command = control.set_values(home, record.id, how.changes, requested_by=_BY, wait_s=wait_s)
            return _changed(catalog, record, command, reason)
        if stop_first and record.state in ACTIVE | {RunState.QUEUED}:
            control.stop(home, record.id, requested_by=_BY, wait_s=wait_s)
        return _started(home, catalog, record, how, reason=reason, name=name, summary=summary)


def _changed(catalog: Catalog, run: RunRecord, command: CommandRecord, reason: str) -> Applied:
    if command.outcome == "refused":
        raise TransitionError(f"The run refused the fix: {command.reason}")
    _tell(catalog, run, command.changes, command.step, reason)
    when = f"in force from step {command.step} on" if command.step else "in force from the run's next step on"
    return Applied("set", run, command, f"{_listed(command.changes)}: {when}.")


def _started(
    home: Home,
    catalog: Catalog,
    run: RunRecord,
    how: Application,
    *,
    reason: str,
    name: str,
    summary: Mapping[str, Any] | None,
) -> Applied:
    wanted = name.strip() or free_name(catalog, f"{run.name}-fixed")
    if how.way == "fork":
        fresh = fork(home, run.id, how.changes, at=how.point.step, name=wanted, why=reason, summary=summary)
        text = f"{fresh.name} starts from step {how.point.step} of {run.name}"
    else:
        fresh = control.restart(home, run.id, how.changes, name=wanted, summary=summary)
        text = f"{fresh.name} starts from the beginning"
    _tell(catalog, fresh, how.changes, how.point.step, reason)
    _tell(catalog, run, how.changes, int(run.summary.get("step") or 0), f"{reason} (in {fresh.name})")
    return Applied(how.way, fresh, None, f"{text}, with {_listed(how.changes)}.")


def _tell(
    catalog: Catalog, run: RunRecord, changes: Mapping[str, Any], step: int | None, reason: str
) -> None:
    catalog.add_history(run.id, "fix", reason, step=step or 0, data={"changes": dict(changes)})


def _listed(changes: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in changes.items())
