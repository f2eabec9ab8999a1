"""Get a browser where none is installed: Playwright's own, else Debian's `chromium` package when we are root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INSTALL_TIMEOUT_S = 600


def provide_chromium(playwrights_own: str) -> tuple[str | None, list[str]]:
    """Install a Chromium.

    Args:
        playwrights_own: where Playwright's download would put its browser.

    Returns:
        The executable, or None; and one sentence for each way that was tried in vain.
    """
    tried: list[str] = []
    problem = _run([sys.executable, "-m", "playwright", "install", "chromium"])
    if not problem and Path(playwrights_own).is_file():
        return playwrights_own, tried
    tried.append(f"`python -m playwright install chromium`: {problem or 'left no executable'}.")
    if not _may_use_apt():
        tried.append("Debian's package: this is not a Debian system used as root.")
        return None, tried
    problem = _run(["apt-get", "update", "-q"]) or _run(
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
    )
    executable = shutil.which("chromium")
    if executable:
        return executable, tried
    tried.append(f"`apt-get install chromium`: {problem or 'left no executable'}.")
    return None, tried


def _may_use_apt() -> bool:
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def _run(command: Sequence[str]) -> str:
    """Run a command; "" if it succeeded, else what it said last."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return "" if done.returncode == 0 else (lines[-1] if lines else f"exit code {done.returncode}")
