"""Switching a run's autopilot on and off, for people."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from edgeft_core import access, store
from edgeft_core.autopilot.record import Autopilot, Phase, paused_by_autopilot
from edgeft_core.config_keys import with_values
from edgeft_core.errors import LockedError, TransitionError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.states import ACTIVE, ENDED
from edgeft_core.settings import Home
from edgeft_core.store.contract import AUTOPILOT, Catalog, RunRecord

_ATTEMPTS = 20

Change = Callable[[RunRecord, Autopilot], Autopilot | None]


def switch_on(home: Home, run: str, *, max_acts: int | None = None, by: str = "user") -> Autopilot:
    """Let the autopilot watch a run; one that was off, or has given up, counts its acts anew.

    Args:
        max_acts: how often it may act; None leaves that as it is.

    Raises:
        UnknownRunError: there is no such run.
        ConfigError: ``max_acts`` is out of bounds.
        TransitionError: the run has ended, or is a sweep.
        AccessError: the visitor may only look.
    """

    def on(record: RunRecord, pilot: Autopilot) -> Autopilot | None:
        _may_be_watched(record)
        most = (pilot.max_acts or record.config.autopilot.max_acts) if max_acts is None else max_acts
        with_values(record.config, {"autopilot.max_acts": most})
        if not pilot.is_on:
            reason = f"Switched on by {_who(by)}, for at most {_acts(most)}."
            afresh = {"max_acts": most, "acts": 0, "candidates": (), "tried": (), "child": ""}
            return pilot.turn(Phase.WATCHING, reason, **afresh)
        if max_acts in {None, pilot.max_acts}:
            return None
        return replace(pilot, max_acts=most, reason=f"Given at most {_acts(most)} by {_who(by)}.")

    found = _switched(home, run, on)
    dispatcher.ensure(home)
    return found


def switch_off(home: Home, run: str, *, by: str = "user") -> Autopilot:
    """Let the autopilot do nothing more; a run that it paused goes on. What it did already stays done.

    Raises:
        UnknownRunError: there is no such run.
        AccessError: the visitor may only look.
    """

    def off(_: RunRecord, pilot: Autopilot) -> Autopilot | None:
        if pilot.phase in {Phase.OFF, Phase.HANDED_OVER}:
            return None
        return pilot.turn(Phase.OFF, f"Switched off by {_who(by)}.", candidates=(), tried=())

    return _switched(home, run, off)


def _switched(home: Home, run: str, change: Change) -> Autopilot:
    """Make a change to the autopilot as it is now, however often it turns meanwhile."""
    access.require_control()
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        for _ in range(_ATTEMPTS):
            record = catalog.run(run)
            pilot = Autopilot.of(record)
            after = change(record, pilot)
            if after is None:
                return pilot
            if _written(catalog, record, after):
                return after
    raise LockedError("The autopilot changes faster than it can be switched; try again in a moment.")


def _written(catalog: Catalog, record: RunRecord, after: Autopilot) -> bool:
    return catalog.turn_autopilot(
        record.id,
        record.summary.get(AUTOPILOT),
        after.as_dict(),
        text=after.reason,
        step=int(record.summary.get("step") or 0),
        data={"phase": after.phase.value},
        requests=() if after.is_on else _go_on(catalog, record),
    )


def _go_on(catalog: Catalog, record: RunRecord) -> tuple[ControlRequest, ...]:
    paused = record.state in ACTIVE and paused_by_autopilot(catalog.commands(record.id))
    return (ControlRequest(0, "resume"),) if paused else ()


def _may_be_watched(record: RunRecord) -> None:
    if record.config.sweep is not None:
        raise TransitionError("A sweep has no verdict, so the autopilot has nothing to act on.")
    if record.state in ENDED:
        raise TransitionError(
            f"Run {record.name} ({record.id}) is {record.state}; resume or restart it, then switch the autopilot on."
        )


def _who(by: str) -> str:
    name = access.visitor().name or by
    return "you" if name == "user" else f"the {name}" if name == "command line" else name


def _acts(count: int) -> str:
    return "one act" if count == 1 else f"{count} acts"
