"""Live commands from the catalog to the engine."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from edgeft_core.errors import EdgeFTError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.in_force import standing
from edgeft_core.store.contract import Catalog, CommandRecord

LOOK_EVERY_S = 0.05

STOP = ControlRequest(command_id=0, kind="stop")
"""A stop that nobody wrote into the catalog: a signal, or a run that was given to somebody else."""

log = logging.getLogger(__name__)


class CatalogControls:
    """The engine's ``Controls``: a thread looks at the catalog, the engine finds what came in its inbox.

    The catalog's change counter costs 5 us in a tight loop but 130 us between two training steps, which leave
    nothing of SQLite in the processor's caches: too much for steps of a few milliseconds. Use it in a ``with``
    statement, which runs the thread; without it nothing is looked at but by ``look``.
    """

    def __init__(self, catalog: Catalog, run_id: str) -> None:
        self._catalog = catalog
        self._run_id = run_id
        self._seen: int | None = None
        self._last_id = 0
        self._inbox: deque[ControlRequest] = deque()
        self._arrived = threading.Event()
        self._over = threading.Event()
        self._interrupted = False
        self._thread = threading.Thread(target=self._listen, name="controls", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def repeat(self, commands: Sequence[CommandRecord]) -> None:
        """Hand out again, each at its step, the changes that took effect before and still count: the last checkpoint
        may be from before that.
        """
        self._inbox.extend(
            ControlRequest(one.id, one.kind, one.changes, {**one.options, "at_step": one.step, "again": True})
            for one in standing(commands)
            if one.kind == "set"
        )

    def interrupt(self) -> None:
        """Ask the engine to stop as soon as it can. Callable from any thread and from a signal handler."""
        if not self._interrupted:
            self._interrupted = True
            self._inbox.append(STOP)
            self._arrived.set()

    @property
    def interrupted(self) -> bool:
        """Whether the process was asked to end."""
        return self._interrupted

    def poll(self, next_step: int) -> Sequence[ControlRequest]:  # noqa: ARG002
        """Requests not handed out before, oldest first."""
        if not self._inbox:
            return ()
        self._arrived.clear()
        return [self._inbox.popleft() for _ in range(len(self._inbox))]

    def wait(self, timeout_s: float) -> None:
        """Sleep until a request is there, at most ``timeout_s``."""
        self._arrived.wait(timeout_s)

    def stop_in_sight(self) -> ControlRequest | None:
        """A request to stop that waits to be polled, for times in which the engine does not poll."""
        return next((one for one in list(self._inbox) if one.kind == "stop" and not one.at_step), None)

    def look(self) -> None:
        """Fetch new requests if the catalog changed since the last look."""
        version = self._catalog.data_version()
        if version == self._seen:
            return
        # The version is read before the rows: a command written in between is found again, never missed.
        # Outcomes are written by the recorder a moment later, so what was fetched may still be pending.
        fresh = [one for one in self._catalog.pending_commands(self._run_id) if one.id > self._last_id]
        self._seen = version
        if fresh:
            self._last_id = fresh[-1].id
            self._inbox.extend(ControlRequest(one.id, one.kind, one.changes, one.options) for one in fresh)
            self._arrived.set()

    def _listen(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            try:
                self.look()
            except EdgeFTError:  # locked, or a full disk: it may be over in a moment
                log.exception("live commands cannot be read; trying again")
                self._over.wait(1.0)
