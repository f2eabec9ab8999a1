"""Experiments on a run, beside it: ``python -m edgeft_core.jobs.probing --home DIR --run ID``.

They run in a process of their own, at low priority, on the run's data and its last checkpoint, and leave their
results in the run's folder one by one. Loads without torch; :func:`run_probes` needs it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from edgeft_core import access, store
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.kept import read_probes, read_probing, write_probes
from edgeft_core.errors import EdgeFTError, HomeError, RequestError, UnknownRunError
from edgeft_core.jobs.control import applied_values
from edgeft_core.jobs.detach import reap_in_background, start_detached
from edgeft_core.settings import Home
from edgeft_core.store.contract import ProcessIdentity
from edgeft_core.store.processes import age_s, current_process, identity_of, is_dead

if TYPE_CHECKING:
    from edgeft_core.diagnostics.probes import ProbeContext

Tell = Callable[[str, int, int], None]
log = logging.getLogger(__name__)

LOG_FILE = "probes.log"
_NICE = 10
_WRITE_EVERY_S = 0.3


@dataclass(frozen=True)
class Probing:
    """How far the probes of a run are.

    Attributes:
        running: whether a process works on them.
        done, total: probes that are ready.
        what: the work in progress, with its own count.
        error: why they ended early; empty otherwise.
        elapsed_s: seconds since they were started, while they run.
    """

    running: bool = False
    done: int = 0
    total: int = 0
    what: str = ""
    error: str = ""
    results: Mapping[str, ProbeResult] = field(default_factory=dict)
    elapsed_s: float = 0.0


def probing(home: Home, run_id: str) -> Probing:
    """How far the probes of a run are, and what they found so far; cheap, for polling."""
    folder = home.run_folder(run_id)
    told = read_probing(folder)
    running = bool(told.get("running"))
    error = str(told.get("error") or "")
    process = _identity(told)
    if running and process is not None and is_dead(process):
        running, error = False, f"The probes ended without a word; {folder / LOG_FILE} may tell why."
    return Probing(
        running=running,
        done=int(told.get("done") or 0),
        total=int(told.get("total") or 0),
        what=str(told.get("what") or ""),
        error=error,
        results=read_probes(folder),
        elapsed_s=age_s(process) if running and process else 0.0,
    )


def start_probes(home: Home, run_id: str, names: Sequence[str] | None = None) -> bool:
    """Start the probes of a run in a process that outlives the caller; watch it with :func:`probing`.

    Returns:
        False where a process works on them already.

    Raises:
        UnknownRunError: there is no such run.
        HomeError: the run's folder cannot be written.
    """
    access.require_control()
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        run_id = catalog.run(run_id).id
    folder = home.run_folder(run_id)
    if probing(home, run_id).running:
        return False
    chosen = [argument for name in names or () for argument in ("--probe", name)]
    try:
        process = start_detached(
            "edgeft_core.jobs.probing",
            ["--home", str(home.root), "--run", run_id, *chosen],
            log=folder / LOG_FILE,
        )
        identity = identity_of(process.pid)
        write_probes(folder, read_probes(folder), {"running": True, "what": "Starting", **asdict(identity)})
    except OSError as error:
        raise HomeError(f"Probes cannot be started in {folder}: {error.strerror or error}.") from error
    reap_in_background(process)
    return True


def run_probes(
    home: Home, run_id: str, names: Sequence[str] | None = None, progress: Tell | None = None
) -> dict[str, ProbeResult]:
    """Run probes here and now, and leave their results with the run as they come.

    Args:
        names: some of ``PROBES``; all where None. Results of the others stay as they were.
        progress: told ``(what, done, total)``.

    Returns:
        Every requested probe's result; one that could not run has an ``error``.

    Raises:
        UnknownRunError: there is no such run, or it was deleted meanwhile.
        RequestError: there is no such probe.
    """
    from edgeft_core.diagnostics.probes import PROBES  # noqa: PLC0415
    from edgeft_core.diagnostics.probes.faces import few_threads  # noqa: PLC0415

    if unknown := sorted(set(names or ()) - set(PROBES)):
        raise RequestError(f"There is no probe {', '.join(unknown)}; there are {', '.join(PROBES)}.")
    wanted = [name for name in PROBES if names is None or name in names]
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        run = catalog.run(run_id)
        config = with_values(run.config, applied_values(catalog, run.id))
    desk = _Desk(home.run_folder(run.id), wanted, progress)
    with few_threads():
        _work(desk, config, home, PROBES)
    return {name: desk.results[name] for name in wanted}


def _work(
    desk: _Desk,
    config: RunConfig,
    home: Home,
    probes: Mapping[str, Callable[[ProbeContext, Tell], ProbeResult]],
) -> None:
    from edgeft_core.diagnostics.probes import ProbeContext  # noqa: PLC0415

    desk.tell("Opening the run", 0, 1)
    try:
        context = ProbeContext.open(config, folder=desk.folder, cache=home.cache, tell=desk.tell)
    except Exception as error:  # nothing can be tried, and each probe says so
        sentence = _sentence(error)
        for name in desk.wanted:
            desk.put(ProbeResult(name, error=sentence))
        desk.close()
        return
    for name in desk.wanted:
        began = time.monotonic()
        desk.tell(name.replace("_", " "), 0, 1)
        try:
            result = probes[name](context, desk.tell)
        except Exception as error:  # the others go on
            result = ProbeResult(name, error=_sentence(error))
        desk.put(replace(result, took_s=round(time.monotonic() - began, 3), step=context.step))
    desk.close()


def _sentence(error: Exception) -> str:
    """What to tell the user; a surprise goes to the log in full."""
    if isinstance(error, EdgeFTError):
        return str(error)
    if isinstance(error, MemoryError) or "not enough memory" in str(error) or "out of memory" in str(error):
        return "There is not enough free memory for this experiment while the run works; try again when it has ended."
    log.error("a probe broke", exc_info=error)
    return f"{type(error).__name__}: {error}"


class _Desk:
    """Keeps the run's file up to date: results as they come, and how far the work is."""

    def __init__(self, folder: Path, wanted: Sequence[str], progress: Tell | None) -> None:
        self.folder = folder
        self.wanted = tuple(wanted)
        self.results = read_probes(folder)
        self._done = 0
        self._progress = progress
        self._me = asdict(current_process())
        self._wrote_at = -_WRITE_EVERY_S

    def tell(self, what: str, done: int, total: int) -> None:
        """Some work inside a probe goes on."""
        if self._progress is not None:
            self._progress(what, done, total)
        if time.monotonic() - self._wrote_at >= _WRITE_EVERY_S:
            self._write(f"{what} ({done} of {total})" if total > 1 else what)

    def put(self, result: ProbeResult) -> None:
        """A probe is ready."""
        self.results[result.name] = result
        self._done += 1
        if self._progress is not None:
            self._progress("Probes", self._done, len(self.wanted))
        self._write(result.name.replace("_", " "))

    def close(self) -> None:
        """All are ready."""
        self._write("", running=False)

    def _write(self, what: str, *, running: bool = True) -> None:
        self._wrote_at = time.monotonic()
        told: dict[str, Any] = {
            "running": running,
            "done": self._done,
            "total": len(self.wanted),
            "what": what,
        }
        try:
            write_probes(self.folder, self.results, {**told, **self._me})
        except OSError as error:
            if not self.folder.exists():
                raise UnknownRunError("The run was deleted while its probes ran.") from error
            log.warning("results stay unwritten for now: %s", error)  # a full disk may have room later


def _identity(told: Mapping[str, Any]) -> ProcessIdentity | None:
    try:
        return ProcessIdentity(
            int(told["pid"]), float(told["started_at"]), str(told["host"]), str(told.get("boot", ""))
        )
    except (KeyError, TypeError, ValueError):
        return None


def main() -> int:
    """Entry of the process."""
    parser = argparse.ArgumentParser(prog="edgeft-probes")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--probe", action="append", help="one of the probes; all where none is named")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.captureWarnings(True)
    _step_back()
    home = Home(arguments.home.resolve())
    try:
        run_probes(home, arguments.run, arguments.probe)
    except EdgeFTError as error:
        log.error("%s", error)
        _leave_word(home.run_folder(arguments.run), str(error))
        return 1
    return 0


def _step_back() -> None:
    """The run comes first."""
    with suppress(OSError, psutil.Error):
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else _NICE)


def _leave_word(folder: Path, error: str) -> None:
    with suppress(OSError):
        write_probes(folder, read_probes(folder), {"running": False, "error": error})


if __name__ == "__main__":
    sys.exit(main())
