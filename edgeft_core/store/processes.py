"""Who a process is, and whether it still lives."""

from __future__ import annotations

import os
import socket

import psutil

from edgeft_core.store.contract import ProcessIdentity

START_TOLERANCE_S = 2.0
"""Start times are derived from the clock at boot, which moves when the clock is set."""


def current_process() -> ProcessIdentity:
    """The identity of the calling process."""
    pid = os.getpid()
    return ProcessIdentity(pid, psutil.Process(pid).create_time(), socket.gethostname())


def is_dead(identity: ProcessIdentity) -> bool:
    """True where the process certainly ended; False where it lives or runs on another machine."""
    if identity.host != socket.gethostname():
        return False
    try:
        process = psutil.Process(identity.pid)
        reused = abs(process.create_time() - identity.started_at) > START_TOLERANCE_S
        return bool(reused or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
