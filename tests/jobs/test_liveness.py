"""Who is lost and who is not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.errors import TransitionError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs import dispatcher, liveness
from edgeft_core.jobs.liveness import SILENT_AFTER_S, Watch, last_lines
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import ProcessIdentity
from edgeft_core.store.processes import current_process

ELSEWHERE = ProcessIdentity(1, 0.0, "another-machine.invalid")


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def running(
    catalog: SqlCatalog, worker: ProcessIdentity, run_id: str = "run", *, max_restarts: int = 0
) -> None:
    catalog.add_run(run_id, run_id, RunConfig(max_restarts=max_restarts))
    catalog.claim_run(run_id, worker)
    catalog.move_run(run_id, RunState.RUNNING)


def test_a_run_whose_worker_is_gone_is_lost_at_once(catalog: SqlCatalog) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait(30)
    running(catalog, ProcessIdentity(process.pid, current_process().started_at, current_process().host))
    assert Watch(catalog).mark_lost() == []
    lost = catalog.run("run")
    assert lost.state is RunState.LOST
    assert f"process {process.pid}" in lost.error


def test_a_process_that_only_has_the_number_of_the_worker_is_not_the_worker(catalog: SqlCatalog) -> None:
    me = current_process()
    running(catalog, replace(me, started_at=me.started_at - 3600))
    Watch(catalog).mark_lost()
    assert catalog.run("run").state is RunState.LOST


@pytest.mark.parametrize("worker", [current_process(), ELSEWHERE], ids=["here", "elsewhere"])
def test_a_worker_is_given_up_after_long_silence_and_not_before(
    catalog: SqlCatalog, worker: ProcessIdentity
) -> None:
    clock = Clock()
    watch = Watch(catalog, clock)
    running(catalog, worker)
    assert [run.id for run in watch.mark_lost()] == ["run"]
    clock.now_s += SILENT_AFTER_S - 1
    catalog.heartbeat("run", {"step": 7})
    assert watch.mark_lost()
    clock.now_s += SILENT_AFTER_S - 1
    assert watch.mark_lost()
    clock.now_s += 2
    assert watch.mark_lost() == []
    lost = catalog.run("run")
    assert lost.state is RunState.LOST
    assert "has not answered for 121 s" in lost.error


def test_a_watch_that_slept_with_the_worker_does_not_take_it_for_dead(catalog: SqlCatalog) -> None:
    """After a night in a closed laptop the heartbeat is old, but nobody has watched it grow old."""
    running(catalog, current_process())
    assert Watch(catalog, Clock()).mark_lost()
    assert catalog.run("run").state is RunState.RUNNING


def test_reading_pages_finds_the_lost_and_asks_for_a_dispatcher_only_if_something_waits(
    home: Home, catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Home] = []
    monkeypatch.setattr(dispatcher, "ensure", asked.append)
    liveness.reconcile(home)
    assert asked == []
    me = current_process()
    running(catalog, replace(me, started_at=me.started_at - 3600))
    liveness._reconciled_at.clear()
    liveness.reconcile(home)
    assert catalog.run("run").state is RunState.LOST
    assert asked == [home]
    liveness.reconcile(home)
    assert asked == [home]


def test_the_last_lines_of_a_log_survive_broken_text_and_absence(home: Home) -> None:
    assert last_lines(home, "none") == []
    home.run_folder("run").mkdir(parents=True)
    home.log_file("run").write_bytes(b"first\n\n" + b"x" * 100_000 + b"\nbroken \xff\nlast\n\n")
    assert last_lines(home, "run", 2) == ["broken \N{REPLACEMENT CHARACTER}", "last"]


def test_a_run_whose_worker_died_is_queued_again_as_often_as_it_may(catalog: SqlCatalog) -> None:
    me = current_process()
    running(catalog, replace(me, pid=me.pid, started_at=me.started_at - 3600), max_restarts=1)
    assert Watch(catalog).mark_lost() == []
    again = catalog.run("run")
    assert (again.state, again.restarts, again.worker) == (RunState.QUEUED, 1, None)
    assert [one.text for one in catalog.history("run")][-2:] == ["lost", "queued"]
    assert "ended without a word" in catalog.history("run")[-2].data["error"]
    catalog.claim_run("run", replace(me, started_at=me.started_at - 1800))
    Watch(catalog).mark_lost()
    lost = catalog.run("run")
    assert lost.state is RunState.LOST
    assert "It was taken up again 1 times already" in lost.error
    assert catalog.move_run("run", RunState.QUEUED).restarts == 0, "somebody's click counts anew"


def test_what_was_asked_of_a_worker_that_died_waits_for_the_next_one_or_is_refused(
    catalog: SqlCatalog,
) -> None:
    me = current_process()
    running(catalog, replace(me, started_at=me.started_at - 3600), max_restarts=1)
    asked = catalog.add_command("run", ControlRequest(0, "stop"), requested_by="user")
    Watch(catalog).mark_lost()
    assert catalog.pending_commands("run") == [asked]
    catalog.claim_run("run", replace(me, started_at=me.started_at - 1800))
    Watch(catalog).mark_lost()
    answer = catalog.command(asked.id)
    assert (answer.outcome, answer.reason) == ("refused", "the run is lost")


def test_a_worker_that_only_fell_silent_gets_no_second_one_beside_it(catalog: SqlCatalog) -> None:
    clock = Clock()
    running(catalog, current_process(), max_restarts=5)
    watch = Watch(catalog, clock)
    watch.mark_lost()
    clock.now_s += SILENT_AFTER_S + 1
    assert watch.mark_lost() == []
    assert catalog.run("run").state is RunState.LOST


def test_news_of_a_death_does_not_touch_the_worker_that_came_after(catalog: SqlCatalog) -> None:
    me = current_process()
    running(catalog, replace(me, started_at=me.started_at - 3600), max_restarts=1)
    seen = catalog.run("run")
    Watch(catalog).mark_lost()
    assert catalog.claim_run("run", me)
    liveness.mark_lost(catalog, seen, "Told twice", again=True)
    assert catalog.run("run").state is RunState.STARTING
    with pytest.raises(TransitionError, match="given to another worker"):
        assert seen.worker is not None
        catalog.move_run("run", RunState.FAILED, worker=seen.worker)
