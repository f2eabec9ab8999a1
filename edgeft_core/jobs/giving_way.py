"""Who goes first where a core is wanted twice: the training, and pages after it.

Linux puts a thread that wakes up onto the core of one that has computed for long, and pages wake up often. Under the
policy ``SCHED_BATCH`` a thread has the same share of the processor but waits for its turn; nobody needs a right for it.
Windows and macOS have no such policy: a lower priority would keep pages waiting for as long as a job takes all cores.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache

import psutil


@cache
def give_way() -> None:
    """Let all threads of this process, and those that they start, wait for their turn; once is enough."""
    if sys.platform != "linux":
        return
    with suppress(psutil.Error):  # an optimisation: pages come all the same
        for thread in psutil.Process().threads():
            _choose(thread.id, batch=True)


def take_turns(pid: int) -> None:
    """Give a process that was just started the usual policy again, whoever started it."""
    _choose(pid, batch=False)


def _choose(thread: int, *, batch: bool) -> None:
    if sys.platform == "linux":
        with suppress(OSError):  # it ended meanwhile, or a container forbids to choose
            policy = os.SCHED_BATCH if batch else os.SCHED_OTHER
            os.sched_setscheduler(thread, policy, os.sched_param(0))
