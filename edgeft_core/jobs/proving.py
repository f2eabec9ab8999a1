"""Trying a fix beside the run: ``python -m edgeft_core.jobs.proving --home DIR --run ID --remedy JSON``.

Two short twins of the run, one with the fix and one without, train in a process of their own at low priority. They
touch neither the run, nor its metrics, nor the queue. Loads without torch; :func:`prove` needs it.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from edgeft_core import access, store
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.errors import EdgeFTError, HomeError, UnknownRunError, WeightsError
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.checkpoints import copy
from edgeft_core.jobs.control import settings_now
from edgeft_core.jobs.detach import reap_in_background, start_detached
from edgeft_core.jobs.paths import require_paths
from edgeft_core.jobs.starting_points import StartingPoint, starting_point
from edgeft_core.jobs.states import ACTIVE
from edgeft_core.proof import limits
from edgeft_core.proof.kept import FOLDER, read_progress, read_proof, write_progress, write_proof
from edgeft_core.proof.outcome import judge
from edgeft_core.proof.plan import Plan, plan
from edgeft_core.proof.record import Proof, Remedy
from edgeft_core.settings import Home
from edgeft_core.store.contract import ProcessIdentity, RunRecord
from edgeft_core.store.processes import current_process, identity_of, is_dead

Tell = Callable[[str, int, int], None]
log = logging.getLogger(__name__)

LOG_FILE = "proofs.log"
_NICE = 10
_WRITE_EVERY_S = 0.3
_WORK = "work"
_SCORING_S = 8.0
_PACE_FROM = 0.2
# Beginning of what is told -> where that part of a trial begins and ends, as shares of the whole. Validation images
# are embedded somewhere in between.
_PARTS = (
    ("Opening", 0.0, 0.1),
    ("Embedding training", 0.1, 0.3),
    ("Steps", 0.3, 0.9),
    ("Scoring", 0.9, 1.0),
)


@dataclass(frozen=True)
class Proving:
    """How far the proof in progress is.

    Attributes:
        running: whether a process works on one.
        cause: whose fix it tries, or tried last.
        what, done, total: the work in progress.
        error: why it ended without a result; empty otherwise.
        elapsed_s: seconds since it was started, while it runs.
        share: how much of the work is done, in [0, 1].
    """

    running: bool = False
    cause: str = ""
    what: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    elapsed_s: float = 0.0
    share: float = 0.0

    @property
    def left_s(self) -> float:
        """Seconds still to go at the pace so far; before there is one, what a trial usually takes."""
        if self.share < _PACE_FROM:
            return max(_SCORING_S, limits.BUDGET_CPU_S - self.elapsed_s)
        return self.elapsed_s * (1.0 - self.share) / self.share


def share_done(what: str, done: int, total: int) -> float:
    """How much of a trial is behind it when it tells of this work; 0 where that says nothing."""
    within = done / total if total else 0.0
    for beginning, start, end in _PARTS:
        if what.startswith(beginning):
            return start + (end - start) * within
    return 0.0


def proving(home: Home, run_id: str) -> Proving:
    """How far the proof of a run is; cheap, for polling. The result is ``proof.kept.read_proof``'s."""
    folder = home.run_folder(run_id)
    told = read_progress(folder)
    running, error = bool(told.get("running")), str(told.get("error") or "")
    process = _identity(told)
    if running and process is not None and is_dead(process):
        running, error = False, f"The trial ended without a word; {folder / LOG_FILE} may tell why."
    began_at = float(told.get("began_at") or 0.0)
    return Proving(
        running=running,
        cause=str(told.get("cause") or ""),
        what=str(told.get("what") or ""),
        done=int(told.get("done") or 0),
        total=int(told.get("total") or 0),
        error=error,
        elapsed_s=max(0.0, time.time() - began_at) if running and began_at else 0.0,
        share=float(told.get("share") or 0.0),
    )


def proof_of(home: Home, run_id: str, cause: str) -> Proof | None:
    """The last proof of a cause's fix, of a run's full id; None where it was not tried."""
    return read_proof(home.run_folder(run_id), cause)


def start_proof(home: Home, run_id: str, remedy: Remedy) -> bool:
    """Try a fix in a process that outlives the caller; watch it with :func:`proving`.

    Returns:
        False where a process tries one for this run already.

    Raises:
        UnknownRunError: there is no such run.
        HomeError: the run's folder cannot be written.
        AccessError: the visitor may only look, or a path lies outside the folders that they may name.
    """
    access.require_control()
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        run = catalog.run(run_id)
    require_paths(with_values(run.config, remedy.changes), but_for=run.config)
    run_id = run.id
    folder = home.run_folder(run_id)
    if proving(home, run_id).running:
        return False
    words = ["--home", str(home.root), "--run", run_id, "--remedy", json.dumps(asdict(remedy))]
    try:
        process = start_detached("edgeft_core.jobs.proving", words, log=folder / LOG_FILE)
        started = {"running": True, "what": "Starting", "cause": remedy.cause, "began_at": time.time()}
        write_progress(folder, {**started, **asdict(identity_of(process.pid))})
    except (OSError, psutil.Error) as error:
        raise HomeError(f"The trial cannot be started in {folder}: {error}.") from error
    reap_in_background(process)
    return True


def prove(home: Home, run_id: str, remedy: Remedy, progress: Tell | None = None) -> Proof:
    """Try a fix here and now, and leave the result with the run.

    Args:
        progress: told ``(what, done, total)``.

    Returns:
        The proof; one that could not be made says why.

    Raises:
        UnknownRunError: there is no such run, or it was deleted meanwhile.
    """
    began = time.monotonic()
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        run = catalog.run(run_id)
        config = settings_now(catalog, run)
    desk = _Desk(home.run_folder(run.id), remedy.cause, progress)
    desk.tell("Opening the run", 0, 1)
    try:
        proof = _tried(home, run, config, remedy, desk)
    except UnknownRunError:
        raise
    except Exception as error:  # whatever it is, the diagnosis goes on without this proof
        proof = Proof(remedy, "could_not_run", f"Could not be tried: {_sentence(error)}")
    proof = replace(
        proof,
        run_step=int(run.summary.get("step") or 0),
        took_s=round(time.monotonic() - began, 1),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    desk.close(proof)
    return proof


def _tried(home: Home, run: RunRecord, config: RunConfig, remedy: Remedy, desk: _Desk) -> Proof:
    # Here and not above: a page asks how far a proof is, and must not load torch for it.
    from edgeft_core.diagnostics.probes.faces import few_threads  # noqa: PLC0415
    from edgeft_core.proof.trial import run_trial  # noqa: PLC0415

    chosen = plan(config, remedy)
    folder = desk.fresh_folder()
    try:
        point, start = _start(home, run, chosen, folder)
        with few_threads() if _shares_cores(run) else nullcontext():
            trial = run_trial(chosen, start=start, folder=folder, cache=home.cache, tell=desk.tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = judge(trial.without, trial.with_fix, trial.n_classes)
    return Proof(
        remedy=remedy,
        outcome=found.outcome,
        sentence=found.sentence,
        reasons=found.reasons,
        start=point.kind,
        start_step=point.step,
        start_text=point.text,
        steps=trial.steps,
        n_classes=trial.n_classes,
        without=trial.without,
        with_fix=trial.with_fix,
        notes=trial.notes,
    )


def _shares_cores(run: RunRecord) -> bool:
    """Whether the run, or somebody else, is at work: threads of low priority then wait for each other for minutes."""
    return run.state in ACTIVE or psutil.getloadavg()[0] > (psutil.cpu_count() or 1)


def _start(home: Home, run: RunRecord, chosen: Plan, folder: Path) -> tuple[StartingPoint, Path | None]:
    """Where the twins set out from, and a copy of that checkpoint that nobody replaces; None for the beginning."""
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        while True:
            point = starting_point(catalog, run, chosen.start, limits.STEPS)
            if point.checkpoint is None:
                return point, None
            try:
                copy(home, catalog, point.checkpoint, folder / "start.pt")
            except WeightsError:
                if starting_point(catalog, run, chosen.start, limits.STEPS) == point:
                    raise
                continue  # the run wrote a newer one at this very moment
            return point, folder / "start.pt"


def _sentence(error: Exception) -> str:
    """What to tell the user; a surprise goes to the log in full."""
    if isinstance(error, EdgeFTError):
        return str(error)
    if isinstance(error, OSError):
        return f"the trial cannot write where the run lies ({error.strerror or error}); free some space."
    if isinstance(error, MemoryError) or "not enough memory" in str(error) or "out of memory" in str(error):
        return "there is not enough free memory while the run works; try again when it has ended."
    log.error("a trial broke", exc_info=error)
    return f"{type(error).__name__}: {error}"


class _Desk:
    """Keeps the run's files up to date: how far the trial is, then its result."""

    def __init__(self, folder: Path, cause: str, progress: Tell | None) -> None:
        self._folder = folder
        self._progress = progress
        before = read_progress(folder)
        mine = before.get("running") and before.get("pid") == current_process().pid
        began_at = before.get("began_at") if mine else None  # by whoever started this process
        self._told: dict[str, Any] = {
            "cause": cause,
            "began_at": began_at or time.time(),
            **asdict(current_process()),
        }
        self._wrote_at = -_WRITE_EVERY_S
        self._share = 0.0

    def fresh_folder(self) -> Path:
        """An empty folder for what the twins write; what a trial that was killed left is removed."""
        work = self._folder / FOLDER / _WORK
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        return work

    def tell(self, what: str, done: int, total: int) -> None:
        """Some work goes on."""
        if self._progress is not None:
            self._progress(what, done, total)
        if time.monotonic() - self._wrote_at >= _WRITE_EVERY_S:
            self._wrote_at = time.monotonic()
            self._share = max(self._share, share_done(what, done, total))
            self._write(running=True, what=what, done=done, total=total, share=round(self._share, 3))

    def close(self, proof: Proof) -> None:
        """The result is there."""
        try:
            write_proof(self._folder, proof)
        except OSError as error:
            self._gone(error)
        self._write(running=False)

    def _write(self, **told: Any) -> None:
        try:
            write_progress(self._folder, {**self._told, **told})
        except OSError as error:
            self._gone(error)

    def _gone(self, error: OSError) -> None:
        if not self._folder.exists():
            raise UnknownRunError("The run was deleted while a fix was tried.") from error
        log.warning("the proof stays unwritten for now: %s", error)  # a full disk may have room later


def _identity(told: Mapping[str, Any]) -> ProcessIdentity | None:
    try:
        boot = str(told.get("boot") or "")
        return ProcessIdentity(int(told["pid"]), float(told["started_at"]), str(told["host"]), boot)
    except (KeyError, TypeError, ValueError):
        return None


def main() -> int:
    """Entry of the process."""
    parser = argparse.ArgumentParser(prog="edgeft-proof")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--remedy", required=True, help="as JSON: cause, live, restart, rewind")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.captureWarnings(True)
    _step_back()
    try:
        remedy = Remedy.from_dict(json.loads(arguments.remedy))
        home = Home(arguments.home.resolve())
        prove(home, arguments.run, remedy)
        dispatcher.ensure(home)  # its autopilot may wait for the result
    except EdgeFTError as error:
        log.error("%s", error)
        return 1
    return 0


def _step_back() -> None:
    """The run comes first."""
    with suppress(OSError, psutil.Error):
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else _NICE)


if __name__ == "__main__":
    sys.exit(main())
