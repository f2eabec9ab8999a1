"""A worker taken apart, for tests that decide when it trains, when it records and when it dies.

Engine, inbox and journal are the real ones; of the worker only its threads are missing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

from edgeft_core.engine.agenda import CHANGING
from edgeft_core.engine.controls import LiveSettings
from edgeft_core.engine.position import Position
from edgeft_core.engine.session import Session
from edgeft_core.engine.train import train_session
from edgeft_core.events import ControlHandled, ControlRequest, Event, PauseChanged, RunEnded
from edgeft_core.jobs.in_force import past_of
from edgeft_core.jobs.states import RunState
from edgeft_core.jobs.worker.controls import CatalogControls
from edgeft_core.jobs.worker.journal import Journal
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process

ENDS = {"finished": RunState.FINISHED, "stopped": RunState.STOPPED}


class Inbox(CatalogControls):
    """Looks at the catalog whenever the engine asks, and never sleeps.

    Attributes:
        waiting: requests that the engine got and did not answer yet, by id.
        again_until: the step of the last change that is to be made again.
        stopping: whether it got a stop, and so comes to its end even while it is paused.
    """

    def __init__(self, catalog: SqlCatalog, run_id: str) -> None:
        super().__init__(catalog, run_id)
        self.waiting: dict[int, ControlRequest] = {}
        self.again_until = 0
        self.stopping = False

    def poll(self, next_step: int) -> Sequence[ControlRequest]:
        self.look()
        requests = super().poll(next_step)
        self.waiting |= {one.command_id: one for one in requests if not one.again}
        self.again_until = max([self.again_until, *(one.at_step for one in requests if one.again)])
        self.stopping |= any(one.kind == "stop" for one in requests)
        return requests

    def wait(self, timeout_s: float) -> None:
        self.look()
        assert self._inbox, f"a paused run would sleep {timeout_s} s, and nobody is there to wake it"

    def will_answer(self, next_step: int) -> bool:
        """Whether the engine answers something before the next step, if it is paused and asks for more now."""
        self.look()
        requests = [*self.waiting.values(), *self._inbox]
        if next_step < self.again_until:  # changes come after those that are to be made again
            requests = [one for one in requests if one.kind not in CHANGING]
        return self.stopping or any(not one.at_step for one in requests)


class WorkerLife:
    """One worker from its claim to its end; what the engine told and nobody wrote down yet is in ``untold``."""

    def __init__(self, home: Home, catalog: SqlCatalog, prepared: Session, run: RunRecord) -> None:
        self.session = _afresh(prepared, home, run)
        self._catalog = catalog
        self._run = run
        self._inbox = Inbox(catalog, run.id)
        resume, commands = run.started_at is not None, catalog.commands(run.id)
        if resume:
            self._inbox.repeat(commands)
        self._journal = Journal(home, run, catalog)
        told = train_session(self.session, self._inbox, resume=resume, past=past_of(commands))
        self._events = _told(told)
        self._paused = False
        self.untold: deque[Event] = deque()
        self.ended: RunEnded | None = None

    def stands_still(self) -> bool:
        """Whether the engine would only wait for a command that nobody sent."""
        if self.ended or not self._paused:
            return self.ended is not None
        return not self._inbox.will_answer(self.session.position.step + 1)

    def train(self, events: int) -> None:
        """Let the engine go on until it told so many events more, ended, or stands still."""
        for _ in range(events):
            if self.stands_still():
                return
            event = next(self._events)
            if isinstance(event, ControlHandled):
                self._inbox.waiting.pop(event.command_id, None)
            elif isinstance(event, PauseChanged):
                self._paused = event.paused
            elif isinstance(event, RunEnded):
                self.ended = event
            self.untold.append(event)

    def record(self) -> Iterator[Event]:
        """Write down all that was told; yields each event once it is written."""
        while self.untold:
            self._journal.write(self.untold[0], time.time())
            yield self.untold.popleft()
        self._journal.flush()
        self._journal.beat()

    def end(self) -> None:
        """Leave the run's state in the catalog, as a worker does last."""
        assert self.ended is not None
        state, step = ENDS[self.ended.reason], self.ended.step
        self._catalog.move_run(self._run.id, state, step=step, worker=current_process())
        self.leave()

    def leave(self) -> None:
        """Let go of all files."""
        self._events.close()
        self._journal.close()


def _told(events: Iterator[Event]) -> Generator[Event, None, None]:
    """The same events, from something that can be closed."""
    yield from events


def _afresh(prepared: Session, home: Home, run: RunRecord) -> Session:
    """The session as every worker of the run prepares it: its backbone is frozen and may be shared."""
    return replace(
        prepared,
        config=run.config,
        live=LiveSettings(run.config),
        head=deepcopy(prepared.head),
        folder=home.run_folder(run.id),
        position=Position(),
    )
