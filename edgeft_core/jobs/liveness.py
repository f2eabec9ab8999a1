"""Telling a run that works from one whose worker died, and saying so in the catalog."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime

from edgeft_core import store
from edgeft_core.errors import EdgeFTError
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.settings import Home
from edgeft_core.store.contract import Catalog, RunRecord
from edgeft_core.store.processes import is_dead

SILENT_AFTER_S = 120.0
"""A worker writes about once a second. One whose process is gone is lost at once; one that lives (or runs on another
machine) but has written nothing for so long is given up. Long, because being wrong puts two runs on one device."""

_RECONCILE_EVERY_S = 1.0
_TAIL_BYTES = 16_384

_lock = threading.Lock()
_reconciled_at: dict[Home, float] = {}


class Watch:
    """Looks at the workers of active runs again and again.

    Silence is measured on the watcher's own monotonic clock from the first time it saw a heartbeat: neither a
    laptop that slept, nor a clock that was set, nor a host whose clock is off makes a living worker look lost.
    """

    def __init__(
        self,
        catalog: Catalog,
        clock: Callable[[], float] = time.monotonic,
        disk_is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._disk_is_full = disk_is_full  # nobody can write then: silence says nothing
        self._first_seen: dict[str, tuple[datetime | None, float]] = {}

    def mark_lost(self) -> list[RunRecord]:
        """Move active runs whose worker died or fell silent to LOST; returns those that live."""
        living: list[RunRecord] = []
        for run in self._catalog.runs(states=sorted(ACTIVE)):
            if (why := death_of(run)) is not None:
                mark_lost(self._catalog, run, why, again=True)
            elif (why := self._silence_of(run)) is not None:
                mark_lost(
                    self._catalog, run, why
                )  # it may wake up: a second worker beside it is somebody's choice
            else:
                living.append(run)
        self._first_seen = {run.id: self._first_seen[run.id] for run in living}
        return living

    def _silence_of(self, run: RunRecord) -> str | None:
        now = self._clock()
        heartbeat, since = self._first_seen.get(run.id, (run.heartbeat_at, now))
        if heartbeat != run.heartbeat_at or (now - since > SILENT_AFTER_S and self._disk_is_full()):
            since = now
        self._first_seen[run.id] = (run.heartbeat_at, since)
        if now - since <= SILENT_AFTER_S:
            return None
        return f"Its worker has not answered for {now - since:.0f} s"


def death_of(run: RunRecord) -> str | None:
    """Why an active run cannot go on, or None if its worker lives as far as can be told from here."""
    if run.worker is None:
        return "It has no worker"
    if is_dead(run.worker):
        return f"Its worker (process {run.worker.pid}) ended without a word: it was killed, or the machine restarted"
    return None


def mark_lost(catalog: Catalog, run: RunRecord, why: str, *, again: bool = False) -> None:
    """Move one run to LOST; nothing happens if it ended, was deleted or has another worker by now.

    Args:
        again: put it back into the queue, as often as its ``max_restarts`` allows.
    """
    often = f" It was taken up again {run.restarts} times already." if again and run.restarts else ""
    error = f"{why}.{often} The log's last lines may tell more; resume goes on from the last checkpoint."
    catalog.lose_run(run, error=error, again=again and run.restarts < run.config.max_restarts)


def reconcile(home: Home) -> None:
    """Make the catalog true again: runs without a worker are lost, a queue without a dispatcher gets one.

    Cheap (a few milliseconds), and does its work at most once a second however often pages call it. On a home that
    cannot be written, or a full disk, it does nothing: reading must still work there.
    """
    with _lock:
        now = time.monotonic()
        if now - _reconciled_at.get(home, -_RECONCILE_EVERY_S) < _RECONCILE_EVERY_S:
            return
        _reconciled_at[home] = now
    with suppress(EdgeFTError, OSError), closing(store.open_catalog(home.catalog_url)) as catalog:
        unsettled = catalog.runs(states=[RunState.QUEUED, *sorted(ACTIVE)])
        for run in unsettled:
            if run.state in ACTIVE and (why := death_of(run)) is not None:
                mark_lost(catalog, run, why, again=True)
        if unsettled:
            dispatcher.ensure(home)


def last_lines(home: Home, run_id: str, count: int = 20) -> list[str]:
    """The last non-empty lines of a run's log; none if it has no log."""
    try:
        with home.log_file(run_id).open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return lines[-count:]
