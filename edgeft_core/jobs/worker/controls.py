"""Live commands from the catalog to the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from edgeft_core.events import ControlRequest
from edgeft_core.store.contract import Catalog

_ASK_AGAIN_S = 0.02

STOP = ControlRequest(command_id=0, kind="stop")
"""A stop that nobody wrote into the catalog: a signal, or a run that was given to somebody else."""


class CatalogControls:
    """The engine's ``Controls``: a look at the catalog's change counter per step, a query only after a change."""

    def __init__(self, catalog: Catalog, run_id: str) -> None:
        self._catalog = catalog
        self._run_id = run_id
        self._seen: int | None = None
        self._handed_out = 0
        self._interrupted = threading.Event()
        self._interrupt_told = False

    def interrupt(self) -> None:
        """Ask the engine to stop as soon as it can. Callable from any thread and from a signal handler."""
        self._interrupted.set()

    def poll(self) -> Sequence[ControlRequest]:
        """Requests not handed out before, oldest first."""
        requests = self._fresh()
        if self._interrupted.is_set() and not self._interrupt_told:
            self._interrupt_told = True
            requests.append(STOP)
        return requests

    def wait(self, timeout_s: float) -> None:
        """Sleep until something in the catalog changed, at most ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._interrupted.is_set() or self._catalog.data_version() != self._seen:
                return
            time.sleep(_ASK_AGAIN_S)

    def stop_before_first_step(self) -> ControlRequest | None:
        """A request to stop that waits while the run is still being prepared and the engine does not poll yet."""
        if self._interrupted.is_set():
            return STOP
        if self._catalog.data_version() == self._seen:
            return None
        pending = self._catalog.pending_commands(self._run_id)
        return next((ControlRequest(one.id, "stop") for one in pending if one.kind == "stop"), None)

    def _fresh(self) -> list[ControlRequest]:
        version = self._catalog.data_version()
        if version == self._seen:
            return []
        # The version is read before the rows: a command written in between is found again, never missed.
        self._seen = version
        # Outcomes are written by the recorder a moment later, so what was handed out may still be pending.
        fresh = [one for one in self._catalog.pending_commands(self._run_id) if one.id > self._handed_out]
        if fresh:
            self._handed_out = fresh[-1].id
        return [ControlRequest(one.id, one.kind, one.changes) for one in fresh]
