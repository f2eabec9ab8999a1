"""Starting a Python process that outlives whoever started it: its own session, no terminal, output to a file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from edgeft_core.jobs.giving_way import take_turns
from edgeft_core.settings import REPOSITORY

# Numbers from the Windows API: subprocess names them on Windows only.
_KEPT_FROM_CHILDREN = ("EDGEFT_CONTROL_TOKEN", "EDGEFT_VIEW_TOKEN")  # only the app needs to know them

_CREATE_NEW_PROCESS_GROUP = 0x00000200
_CREATE_BREAKAWAY_FROM_JOB = 0x01000000
_CREATE_NO_WINDOW = 0x08000000


def start_detached(module: str, arguments: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start ``python -m module arguments`` detached; what it prints is appended to ``log``.

    Ctrl+C in the terminal of the caller, the end of the caller and the end of its session do not touch it. The
    caller owes it a ``wait`` or ``poll`` (else a zombie stays until the caller ends): see :func:`reap_in_background`.
    """
    command = [sys.executable, "-m", module, *arguments]
    with log.open("ab") as output:
        if sys.platform == "win32":
            return _start_on_windows(command, output.fileno())
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env=_environment(),
            start_new_session=True,
        )
    take_turns(process.pid)
    return process


def _start_on_windows(command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
    # A console without a window rather than none at all: a process without a console opens a visible one for
    # each child (loader workers) that it starts.
    flags = _CREATE_NO_WINDOW | _CREATE_NEW_PROCESS_GROUP
    try:
        return _popen_on_windows(command, output, flags | _CREATE_BREAKAWAY_FROM_JOB)
    except PermissionError:  # the job object that we are in forbids leaving it
        return _popen_on_windows(command, output, flags)


def _popen_on_windows(command: Sequence[str], output: int, flags: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=REPOSITORY,
        env=_environment(),
        creationflags=flags,
    )


def _environment() -> dict[str, str]:
    """Ours, with this very copy of the code to be found, and output at once and in UTF-8.

    The last lines of a log must be there when a process is killed.
    """
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_KEPT_FROM_CHILDREN)}
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def reap_in_background(process: subprocess.Popen[bytes]) -> None:
    """Collect the exit status whenever the process ends, so that it leaves no zombie behind."""
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
