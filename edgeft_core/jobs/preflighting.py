"""The preflight in a process of its own, for a page that must not load torch. Loads without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from edgeft_core import access
from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.kept import write_findings
from edgeft_core.jobs.beside import SideProcess
from edgeft_core.jobs.paths import require_paths
from edgeft_core.preflight.kept import kept_report
from edgeft_core.preflight.report import PreflightReport
from edgeft_core.settings import Home


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

    def __init__(self, progress: PreflightProgress, beside: SideProcess | None = None) -> None:
        self._progress = progress
        self._beside = beside

    @classmethod
    def start(cls, home: Home, config: RunConfig) -> PreflightProcess:
        """Start ``python -m edgeft_core.preflight``.

        Raises:
            AccessError: the visitor may only look, or not name these files.
            HomeError: the home folder cannot be written.
        """
        access.require_control()
        require_paths(config)
        beside = SideProcess.start(home, "edgeft_core.preflight", config, folder="preflight")
        return cls(PreflightProgress(running=True, what="Starting", total=1), beside)

    def poll(self) -> PreflightProgress:
        """How far it is now; cheap, call it as often as you like."""
        if self._beside is not None:
            for said in self._beside.poll():
                self._take(said)
            if not self._beside.running:
                self._finish(self._beside)
        return self._progress

    def stop(self) -> None:
        """End it; nobody waits for the answer any more."""
        if self._beside is not None:
            self._beside.stop()
            self._finish(self._beside)

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

    def _finish(self, beside: SideProcess) -> None:
        """The process is gone: settle what is known."""
        self._beside = None
        error = self._progress.error
        report = self._progress.report
        if beside.code is not None and not error and (report is None or not report.complete):
            error = f"The check ended early (exit code {beside.code}). {beside.last_words}".strip()
        self._progress = replace(self._progress, running=False, error=error)


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
