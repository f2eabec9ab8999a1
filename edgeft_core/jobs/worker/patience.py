"""Waiting for the disk: one that is full, or a file that another program holds, is a pause and not an end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from edgeft_core.errors import DiskFullError, EdgeFTError, LockedError

P = ParamSpec("P")
T = TypeVar("T")

_RETRY_S = 1.0

log = logging.getLogger(__name__)


def _nobody(what: object) -> None:
    """Listens to nothing."""


class Patience:
    """Calls a function, and while the disk is full or the file is locked, calls it again every second.

    Attributes:
        waiting: whether a call waits just now; training stands still meanwhile.
        room: whether there is space enough to try again (a disk that is nearly full would stop the run at every
            write).
        asked_to_end: once true, nothing is waited for any more.
        on_wait, on_go: told why the waiting begins, and how many seconds it took.
    """

    def __init__(self) -> None:
        self.waiting = False
        self.room: Callable[[], bool] = lambda: True
        self.asked_to_end: Callable[[], bool] = lambda: False
        self.on_wait: Callable[[EdgeFTError], None] = _nobody
        self.on_go: Callable[[float], None] = _nobody

    def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``call`` returns.

        Raises:
            DiskFullError, LockedError: the process was asked to end while it waited.
        """
        since = time.monotonic()
        while True:
            try:
                result = call(*args, **kwargs)
            except (DiskFullError, LockedError) as error:
                if self.asked_to_end():
                    raise
                self._wait(error)
            else:
                if self.waiting:
                    self._go(time.monotonic() - since)
                return result

    def _wait(self, error: EdgeFTError) -> None:
        if not self.waiting:
            self.waiting = True
            log.warning("%s Training waits.", error)
            self.on_wait(error)
        time.sleep(_RETRY_S)
        while isinstance(error, DiskFullError) and not (self.room() or self.asked_to_end()):
            time.sleep(_RETRY_S)

    def _go(self, seconds: float) -> None:
        log.info("training goes on after %.0f s", seconds)
        self.waiting = False
        self.on_go(seconds)


patiently = Patience()
"""Of this process: a worker has one run."""
