"""One run from claim to end: the engine's events go to the recorder, the catalog's commands to the engine."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path

from edgeft_core.errors import EdgeFTError, TransitionError, UnknownRunError
from edgeft_core.events import BatchDone, ControlHandled, Event, Past, Progress, RunEnded, SweepAdvanced
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.in_force import past_of
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.jobs.worker.controls import CatalogControls
from edgeft_core.jobs.worker.journal import Journal
from edgeft_core.jobs.worker.patience import patiently
from edgeft_core.jobs.worker.recorder import Recorder
from edgeft_core.settings import Home
from edgeft_core.store.contract import Catalog, ProcessIdentity, RunRecord

DONE, FAILED = 0, 1

log = logging.getLogger(__name__)


def work(
    home: Home,
    catalog: Catalog,
    run_id: str,
    me: ProcessIdentity,
    interruptible: Callable[[CatalogControls], None],
) -> int:
    """Claim the run, train it to its end and leave its state in the catalog.

    Args:
        interruptible: told what to interrupt when the process is asked to end.

    Returns:
        The process' exit code: 0 finished, stopped, or claimed by another worker; 1 failed.
    """
    if not catalog.claim_run(run_id, me):
        log.info("run %s is not in the queue any more", run_id)
        return DONE
    run = catalog.run(run_id)
    log.info("process %d works on run %s (%s)", me.pid, run.id, run.name)
    controls = CatalogControls(catalog, run.id)
    if run.started_at is not None:
        controls.repeat(catalog.commands(run.id))
    interruptible(controls)
    try:
        with controls:
            ended = _train(home, catalog, run, me, controls)
    except EdgeFTError as error:
        log.exception("the run failed")
        return _end(catalog, run.id, me, RunState.FAILED, error=str(error))
    except BaseException as error:
        log.exception("the run failed in a way that nobody foresaw")
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        return _end(
            catalog, run.id, me, RunState.FAILED, error=f"Unexpected {text}. The worker's log tells more."
        )
    state = RunState.FINISHED if ended.reason == "finished" else RunState.STOPPED
    return _end(catalog, run.id, me, state, step=ended.step)


def _train(
    home: Home, catalog: Catalog, run: RunRecord, me: ProcessIdentity, controls: CatalogControls
) -> RunEnded:
    patiently.asked_to_end = lambda: controls.interrupted
    remove_unfinished(home.run_folder(run.id))
    journal = Journal(home, run, catalog)
    recorder = Recorder(
        journal,
        still_ours=lambda: _still_ours(home, catalog, run.id, me),
        evict=lambda: _leave(catalog, run.id, controls),
    )
    try:
        with closing(_events(home, run, controls, past_of(catalog.commands(run.id)))) as events:
            ended = _record_all(events, recorder, controls)
    except BaseException as error:
        _close_after_failure(recorder, journal, error)
        raise
    recorder.close()
    return ended


def _events(
    home: Home, run: RunRecord, controls: CatalogControls, past: Past
) -> Generator[Event, None, None]:
    folder, began_before = home.run_folder(run.id), run.started_at is not None
    # Here and not above: torch takes seconds to load, in which the run is claimed and its heart beats already.
    if run.config.sweep is not None:
        from edgeft_core.labs.sweep.training import train_heads  # noqa: PLC0415

        yield from train_heads(
            run.config, folder=folder, cache=home.cache, controls=controls, resume=began_before
        )
        return
    from edgeft_core.engine import train  # noqa: PLC0415

    yield from train(
        run.config, folder=folder, cache=home.cache, controls=controls, resume=began_before, past=past
    )


def _record_all(events: Iterator[Event], recorder: Recorder, controls: CatalogControls) -> RunEnded:
    stepped = False
    step = 0
    for event in events:
        recorder.record(event)
        step = getattr(event, "step", step)
        stepped = stepped or isinstance(event, BatchDone | SweepAdvanced)
        if isinstance(event, RunEnded):
            return event
        # Before the first step the engine does not ask for requests, and there is nothing to save yet.
        if not stepped and isinstance(event, Progress) and (stop := controls.stop_in_sight()):
            ended = RunEnded(step, "stopped", {})
            recorder.record(ControlHandled(stop.command_id, step, "applied"))
            recorder.record(ended)
            return ended
    raise AssertionError("the engine ended without saying how")


def _close_after_failure(recorder: Recorder, journal: Journal, error: BaseException) -> None:
    """Write what can be written; the first error is the one to tell."""
    try:
        recorder.close()
        journal.failed(error)
    except EdgeFTError:
        log.exception("the last events could not be recorded")


def _still_ours(home: Home, catalog: Catalog, run_id: str, me: ProcessIdentity) -> bool:
    """Whether to go on; while we do, the queue and the run's autopilot have somebody who sees to them."""
    ours = _is_ours(catalog, run_id, me)
    if ours:
        _see_that_a_dispatcher_lives(home, catalog)
    return ours


def _is_ours(catalog: Catalog, run_id: str, me: ProcessIdentity) -> bool:
    try:
        run = catalog.run(run_id)
    except UnknownRunError:
        return False
    return (
        run.state in ACTIVE
        and run.worker is not None
        and (run.worker.pid, run.worker.host) == (me.pid, me.host)
    )


def _see_that_a_dispatcher_lives(home: Home, catalog: Catalog) -> None:
    """One that died may have paused this very run to try a fix, and nobody else may be there to start another."""
    try:
        if catalog.lease_holder(dispatcher.LEASE) is None:
            dispatcher.ensure(home)
    except EdgeFTError:  # no space for its log, say; the next look tries again
        log.exception("nobody can be started to move the queue")


def remove_unfinished(folder: Path) -> None:
    """Checkpoints that a worker was writing when it was killed."""
    for path in (folder / "checkpoints").glob("*.tmp"):
        path.unlink(missing_ok=True)


def _leave(catalog: Catalog, run_id: str, controls: CatalogControls) -> None:
    """The run was given up. While nobody else has it, its state is saved; otherwise nothing of it is touched."""
    with suppress(UnknownRunError):
        if catalog.run(run_id).state is RunState.LOST:
            controls.interrupt()
            return
    log.error("run %s was given to another worker, or deleted; this one ends", run_id)
    logging.shutdown()
    os._exit(FAILED)


def _end(
    catalog: Catalog,
    run_id: str,
    me: ProcessIdentity,
    state: RunState,
    *,
    error: str = "",
    step: int = 0,
) -> int:
    try:
        patiently(catalog.move_run, run_id, state, error=error, step=step, worker=me)
    except (TransitionError, UnknownRunError) as refused:
        log.warning("the run ended, but the catalog knows better: %s", refused)
    return FAILED if state is RunState.FAILED else DONE
