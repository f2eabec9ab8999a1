"""What the dispatcher does: reap, find the lost, start the oldest queued run whose device is free."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from edgeft_core.errors import EdgeFTError
from edgeft_core.jobs.detach import start_detached
from edgeft_core.jobs.dispatcher import LEASE
from edgeft_core.jobs.liveness import Watch, last_lines
from edgeft_core.jobs.slots import slot_of
from edgeft_core.jobs.states import RunState
from edgeft_core.jobs.worker.reserve import is_full
from edgeft_core.settings import Home
from edgeft_core.store.contract import Catalog, RunRecord
from edgeft_core.store.processes import current_process

LEASE_TTL_S = 15.0
IDLE_EXIT_S = 30.0
_LOOK_EVERY_S = 0.2  # at the catalog's change counter: microseconds
_TICK_EVERY_S = 1.0  # at the processes, changed or not

log = logging.getLogger(__name__)

StartWorker = Callable[[Home, RunRecord], "subprocess.Popen[bytes]"]
Beside = Callable[[Sequence[RunRecord]], bool]
"""What else is seen to at every look: told all runs that are queued or go, answers whether it has work to do."""


def _nothing(unsettled: Sequence[RunRecord]) -> bool:  # noqa: ARG001
    return False


def start_worker(home: Home, run: RunRecord) -> subprocess.Popen[bytes]:
    """A detached worker for one queued run; its output goes to the run's log."""
    return start_detached(
        "edgeft_core.jobs.worker", ["--home", str(home.root), "--run", run.id], log=home.log_file(run.id)
    )


@dataclass(frozen=True)
class _Worker:
    """A worker that this dispatcher started, and when its run had been queued."""

    process: subprocess.Popen[bytes]
    queued_at: datetime


class Dispatcher:
    """Moves one home's queue while it holds the lease.

    Attributes:
        busy: false when the last look found nothing queued and nothing running.
    """

    def __init__(
        self, home: Home, catalog: Catalog, start: StartWorker = start_worker, beside: Beside = _nothing
    ) -> None:
        self._home = home
        self._beside = beside
        self._catalog = catalog
        self._start = start
        self._identity = current_process()
        self._watch = Watch(catalog, disk_is_full=lambda: is_full(home.root))
        self._workers: dict[str, _Worker] = {}
        self.busy = True

    def serve(self) -> None:
        """Work until there has been nothing to do for a while, or another dispatcher took over."""
        while self._holds_lease():
            left_voluntarily = self._work_until_idle()
            self._catalog.release_lease(LEASE, self._identity)
            # A run that was queued just before the release saw us alive and started nobody: look once more.
            if not left_voluntarily or not self._catalog.runs(states=[RunState.QUEUED], limit=1):
                return

    def _work_until_idle(self) -> bool:
        """True when idle, False when the lease went to somebody else."""
        seen, next_tick, idle_since = -1, 0.0, time.monotonic()
        while time.monotonic() - idle_since < IDLE_EXIT_S:
            time.sleep(_LOOK_EVERY_S)
            now = time.monotonic()
            try:
                version = self._catalog.data_version()
                if version == seen and now < next_tick:
                    continue
                if not self._holds_lease():
                    return False
                self.tick()
            except EdgeFTError:  # a full disk, a locked catalog: it may be over in a moment
                log.exception("this look failed; trying again")
                next_tick = idle_since = now + _TICK_EVERY_S
                continue
            seen, next_tick = version, now + _TICK_EVERY_S
            idle_since = now if self.busy else idle_since
        return True

    def tick(self) -> None:
        """Look once at everything and do what can be done now."""
        self._reap()
        active = self._watch.mark_lost()
        queued = self._catalog.runs(states=[RunState.QUEUED])
        taken = {slot_of(run.config.device) for run in active}
        taken |= {slot_of(run.config.device) for run in queued if run.id in self._workers}
        for run in reversed(queued):  # oldest first
            slot = slot_of(run.config.device)
            if slot not in taken and self._started(run):
                taken.add(slot)
                log.info("started a worker for run %s on %s", run.id, slot)
        work_beside = self._beside([*queued, *active])
        self.busy = bool(queued or active or self._workers or work_beside)

    def _started(self, run: RunRecord) -> bool:
        """Start a worker; a run whose worker cannot be started fails, so that those behind it get their turn."""
        try:
            self._workers[run.id] = _Worker(self._start(self._home, run), run.updated_at)
        except OSError as error:
            self._fail(run.id, f"No worker can be started for it ({error})")
            return False
        return True

    def _holds_lease(self) -> bool:
        return self._catalog.take_lease(LEASE, self._identity, ttl_s=LEASE_TTL_S)

    def _reap(self) -> None:
        """Collect workers that ended, and speak for those that died before they could claim their run."""
        for run_id, worker in list(self._workers.items()):
            code = worker.process.poll()
            if code is None:
                continue
            del self._workers[run_id]
            log.info("the worker of run %s ended with exit code %d", run_id, code)
            if code != 0:
                self._fail_if_unclaimed(run_id, worker, code)

    def _fail_if_unclaimed(self, run_id: str, worker: _Worker, code: int) -> None:
        queued = {run.id: run for run in self._catalog.runs(states=[RunState.QUEUED])}
        # One that was claimed, failed and was put back into the queue since then carries a later time.
        if run_id not in queued or queued[run_id].updated_at != worker.queued_at:
            return
        tail = last_lines(self._home, run_id, 1)
        said = f": {tail[0]}" if tail else ""
        self._fail(run_id, f"The worker ended before it could begin (exit code {code}){said}")

    def _fail(self, run_id: str, error: str) -> None:
        """Claim a queued run in place of its worker, to say why it has none."""
        if self._catalog.claim_run(run_id, self._identity):
            self._catalog.move_run(run_id, RunState.FAILED, error=error)
