"""Recording beside training: the training thread drops events into a queue, this thread writes them, many at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from edgeft_core.errors import EdgeFTError, TrainingError
from edgeft_core.events import (
    CheckpointAhead,
    CheckpointReady,
    CheckpointSaved,
    ControlHandled,
    Event,
    PauseChanged,
    PlanChanged,
    RunEnded,
    RunPrepared,
)
from edgeft_core.jobs.worker.journal import Journal
from edgeft_core.jobs.worker.patience import patiently

FLUSH_EVERY_S = 0.2
BEAT_EVERY_S = 1.0
CHECK_EVERY_S = 5.0
CAPACITY = 4096
_FULL_WAIT_S = 0.01
_SETTLE_LOOK_S = 0.1

# Somebody waits for these: write them at once.
_URGENT = (RunPrepared, ControlHandled, PlanChanged, PauseChanged, CheckpointSaved, RunEnded)

log = logging.getLogger(__name__)


class Recorder:
    """Writes a run's events from a thread of its own; beats the run's heart.

    Args:
        still_ours: asked every few seconds; once false (the run was given up as lost), ``evict`` is called.
    """

    def __init__(
        self, journal: Journal, *, still_ours: Callable[[], bool], evict: Callable[[], None]
    ) -> None:
        self._journal = journal
        self._still_ours = still_ours
        self._evict = evict
        self._waiting: deque[tuple[Event, float]] = deque()
        self._wake = threading.Event()
        self._written = threading.Event()
        self._settles_asked = 0  # counted by the training thread
        self._settles_done = 0  # by the recorder's
        self._closing = False
        self._failure: BaseException | None = None
        self._next_beat = 0.0
        self._next_check = 0.0
        self._thread = threading.Thread(target=self._serve, name="recorder", daemon=True)
        self._thread.start()

    def record(self, event: Event) -> None:
        """Take one event; a few microseconds, unless the disk is full or so slow that the queue is.

        A checkpoint gets its name only after what came before it is written; that is done while its file is.

        Raises:
            DiskFullError: no space is left, and the process was asked to end while it waited for some.
            TrainingError: the recorder broke; what it wrote before stays.
        """
        while (patiently.waiting or len(self._waiting) >= CAPACITY) and self._failure is None:
            self._wake.set()
            time.sleep(_FULL_WAIT_S)
        self._raise_failure()
        self._waiting.append((event, time.time()))
        if isinstance(event, CheckpointAhead):
            self._ask_to_settle()
        elif isinstance(event, CheckpointReady):
            self._wait_until_settled()
        elif isinstance(event, _URGENT):
            self._wake.set()

    def _ask_to_settle(self) -> None:
        """Have all that was recorded so far made durable."""
        self._settles_asked += 1
        self._wake.set()

    def _wait_until_settled(self) -> None:
        while self._settles_done < self._settles_asked:
            self._raise_failure()
            self._written.wait(_SETTLE_LOOK_S)
            self._written.clear()  # before the next look at the counts: nothing set after it is lost

    def close(self) -> None:
        """Write what waits, then end the thread. Raises as ``record``."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is None:
            return
        if isinstance(self._failure, EdgeFTError):
            raise self._failure
        raise TrainingError(
            f"The run cannot be recorded ({type(self._failure).__name__}: {self._failure}); it was ended so that "
            "nothing is trained unseen. The worker's log tells more; resume goes on from the last checkpoint."
        ) from self._failure

    def _serve(self) -> None:
        try:
            closing = False
            while not closing:
                self._beat_if_due()
                self._wake.wait(FLUSH_EVERY_S)
                self._wake.clear()
                closing = self._closing  # read before draining: what is recorded before close is written
                self._leave_if_given_up()
                self._drain()
            self._journal.beat()
        except BaseException as error:
            self._fail(error)
        try:
            self._journal.close()
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        log.error("the recorder stopped", exc_info=error)
        self._failure = self._failure or error

    def _drain(self) -> None:
        asked = self._settles_asked  # read before draining: what came before it is written
        if self._waiting:
            self._write_waiting()
        if asked > self._settles_done:
            self._settles_done = asked
            self._written.set()

    def _write_waiting(self) -> None:
        urgent = False
        for _ in range(len(self._waiting)):
            event, at_s = self._waiting.popleft()
            urgent = urgent or isinstance(event, _URGENT)
            self._journal.write(event, at_s)
        self._journal.flush()
        if urgent:
            self._next_beat = 0.0

    def _leave_if_given_up(self) -> None:
        """First of all: a worker that woke up after it was given up has nothing to tell."""
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + CHECK_EVERY_S
            if not self._still_ours():
                self._evict()

    def _beat_if_due(self) -> None:
        self._leave_if_given_up()
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + BEAT_EVERY_S
            self._journal.beat()
