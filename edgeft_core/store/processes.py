"""Who a process is, and whether it still lives."""

from __future__ import annotations

import os
import socket
import sys
import time
from functools import cache
from pathlib import Path

import psutil

from edgeft_core.store.contract import ProcessIdentity

START_TOLERANCE_S = 2.0
"""For start times that are derived from the clock at boot, which moves when the clock is set."""

_START_FIELD = (
    19  # of /proc/PID/stat, counted after the name in brackets, which may itself hold blanks and brackets
)


def current_process() -> ProcessIdentity:
    """The identity of the calling process."""
    return identity_of(os.getpid())


def identity_of(pid: int) -> ProcessIdentity:
    """The identity of a process of this machine.

    Linux tells start times since boot, which no change of the clock moves; a number that is taken again after a
    reboot is told apart by the boot.

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    if boot := this_boot():
        return ProcessIdentity(pid, _seconds_after_boot(pid), socket.gethostname(), boot)
    return ProcessIdentity(pid, psutil.Process(pid).create_time(), socket.gethostname())


def is_dead(identity: ProcessIdentity) -> bool:
    """True where the process certainly ended; False where it lives or runs on another machine."""
    if identity.host != socket.gethostname():
        return False
    if identity.boot and identity.boot != this_boot():
        return True  # the machine was started again since
    try:
        process = psutil.Process(identity.pid)
        began = _seconds_after_boot(identity.pid) if identity.boot else process.create_time()
        reused = abs(began - identity.started_at) > START_TOLERANCE_S
        return bool(reused or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def age_s(identity: ProcessIdentity) -> float:
    """Seconds since a process of this machine began."""
    if sys.platform == "linux" and identity.boot:
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - identity.started_at)
    return max(0.0, time.time() - identity.started_at)


@cache
def this_boot() -> str:
    """The name that Linux gives to this start of the machine; empty elsewhere."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _seconds_after_boot(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    except PermissionError:
        raise psutil.AccessDenied(pid) from None
    ticks = int(text.rpartition(")")[2].split()[_START_FIELD])
    return ticks / int(os.sysconf("SC_CLK_TCK"))
