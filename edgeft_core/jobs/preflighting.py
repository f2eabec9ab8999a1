"""The preflight in a process of its own, for a page that must not load torch. Loads without torch."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.kept import write_findings
from edgeft_core.errors import HomeError
from edgeft_core.preflight.kept import kept_report
from edgeft_core.preflight.report import PreflightReport
from edgeft_core.settings import REPOSITORY, Home

_LINES_TOLD = 3
_ABANDONED_S = 24 * 3600.0


@dataclass(frozen=True)
class PreflightProgress:
    """How far a preflight is.

    Attributes:
        running: whether more is to come.
        what, done, total: the work in progress.
        report: what is known so far; whole when ``report.complete``.
        error: why it could not be done; empty while all is well.
    """

    running: bool
    what: str = ""
    done: int = 0
    total: int = 0
    report: PreflightReport | None = None
    error: str = ""


class PreflightProcess:
    """A preflight that was started, or found finished. It ends with whoever started it.

    Not for use by several threads at once.
    """

    def __init__(self, progress: PreflightProgress, process: subprocess.Popen[bytes] | None = None) -> None:
        self._progress = progress
        self._process = process
        self._files: tuple[Path, ...] = ()
        self._offset = 0

    @classmethod
    def start(cls, home: Home, config: RunConfig) -> PreflightProcess:
        """Start ``python -m edgeft_core.preflight``.

        Raises:
            HomeError: the home folder cannot be written.
        """
        folder = home.ensure().cache / "preflight"
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        # Files, not pipes: nobody must read for the process to go on.
        asked, said, complained = (folder / f"{name}.{kind}" for kind in ("config", "lines", "log"))
        try:
            folder.mkdir(exist_ok=True)
            _remove(_abandoned(folder))
            asked.write_text(config.model_dump_json(), encoding="utf-8")
            with said.open("wb") as output, complained.open("wb") as errors:
                process = _process(asked, home, output.fileno(), errors.fileno())
        except OSError as error:
            raise HomeError(f"The check cannot write to {folder}: {error.strerror or error}.") from error
        started = cls(PreflightProgress(running=True, what="Starting", total=1), process)
        started._files = (said, complained, asked)
        return started

    def poll(self) -> PreflightProgress:
        """How far it is now; cheap, call it as often as you like."""
        if self._process is None:
            return self._progress
        code = self._process.poll()
        self._read()
        if code is not None:
            self._finish(code)
        return self._progress

    def stop(self) -> None:
        """End it; nobody waits for the answer any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._finish(None)

    def _read(self) -> None:
        with self._files[0].open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, said: dict[str, Any]) -> None:
        if "progress" in said:
            told = said["progress"]
            self._progress = replace(
                self._progress, what=told["what"], done=told["done"], total=told["total"]
            )
        elif "report" in said:
            self._progress = replace(self._progress, report=PreflightReport.from_dict(said["report"]))
        elif "error" in said:
            self._progress = replace(self._progress, error=said["error"])

    def _finish(self, code: int | None) -> None:
        """The process is gone: settle what is known and clean up."""
        self._process = None
        error = self._progress.error
        report = self._progress.report
        if code is not None and not error and (report is None or not report.complete):
            error = f"The check ended early (exit code {code}). {self._last_words()}".strip()
        self._progress = replace(self._progress, running=False, error=error)
        _remove(self._files)

    def _last_words(self) -> str:
        with self._files[1].open(encoding="utf-8", errors="replace") as log:
            return " ".join(line.strip() for line in deque(log, maxlen=_LINES_TOLD))


def _process(asked: Path, home: Home, output: int, errors: int) -> subprocess.Popen[bytes]:
    module = ["-m", "edgeft_core.preflight", "--config", str(asked), "--home", str(home.root)]
    return subprocess.Popen(
        [sys.executable, *module],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONUTF8": "1"},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # only Windows has windows to avoid
    )


def _abandoned(folder: Path) -> list[Path]:
    """Files of checks whose page went away before they ended."""
    return [path for path in folder.glob("*-*.*") if time.time() - path.stat().st_mtime > _ABANDONED_S]


def _remove(files: Iterable[Path]) -> None:
    for path in files:
        with suppress(OSError):  # Windows keeps a file while anybody reads it; the next start tries again
            path.unlink(missing_ok=True)


def start_preflight(home: Home, config: RunConfig, *, fresh: bool = False) -> PreflightProcess:
    """Check a configuration beside the caller; an earlier answer to the same question comes back at once.

    Args:
        fresh: check again even so.

    Raises:
        HomeError: the home folder cannot be written.
    """
    known = None if fresh else kept_report(home.cache, config)
    if known is not None:
        return PreflightProcess(PreflightProgress(running=False, report=known))
    return PreflightProcess.start(home, config)


def keep_with_run(home: Home, run_id: str, config: RunConfig) -> None:
    """Lay the findings of an earlier check of this config into the run's folder, for the diagnosis."""
    report = kept_report(home.cache, config)
    if report is not None:
        write_findings(home.run_folder(run_id), report.findings)
