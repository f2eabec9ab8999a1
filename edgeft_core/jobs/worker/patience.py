"""Waiting for disk space: a full disk is often full for a moment only, and training can wait."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from edgeft_core.errors import DiskFullError

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_S = 60.0
_RETRY_S = 1.0

log = logging.getLogger(__name__)


def patiently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it, and while the disk is full try again every second, for a minute at most.

    Raises:
        DiskFullError: it stayed full.
    """
    deadline = time.monotonic() + PATIENCE_S
    told = False
    while True:
        try:
            return call(*args, **kwargs)
        except DiskFullError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.warning("%s Training waits, for %.0f s at most.", error, PATIENCE_S)
                told = True
            time.sleep(_RETRY_S)
