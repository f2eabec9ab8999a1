"""What the dispatcher starts, and what it says about workers that never began. Workers here are tiny real processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.dispatcher.loop import Dispatcher, start_worker
from edgeft_core.jobs.slots import likely_device, slot_of
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process

CPU = with_values(RunConfig(), {"device": "cpu"})
CUDA_1 = with_values(RunConfig(), {"device": "cuda:1"})


class Starter:
    """Starts a process that ends with an exit code instead of a worker, and notes for which run."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.started: list[str] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, home: Home, run: RunRecord) -> subprocess.Popen[bytes]:
        self.started.append(run.id)
        log = home.log_file(run.id)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            program = f"import sys; print('no such module', flush=True); sys.exit({self.code})"
            self.processes.append(subprocess.Popen([sys.executable, "-S", "-c", program], stdout=output))
        return self.processes[-1]

    def wait(self) -> None:
        for process in self.processes:
            process.wait(30)


def test_the_oldest_queued_run_of_each_device_starts_and_the_others_wait(
    home: Home, catalog: SqlCatalog
) -> None:
    for run_id, config in [("old", CPU), ("young", CPU), ("other", CUDA_1)]:
        catalog.add_run(run_id, run_id, config)
    starter = Starter()
    looks = Dispatcher(home, catalog, starter)
    looks.tick()
    assert starter.started == ["old", "other"]
    looks.tick()
    assert starter.started == ["old", "other"]
    starter.wait()


def test_the_next_run_starts_when_the_one_on_its_device_ends(home: Home, catalog: SqlCatalog) -> None:
    catalog.add_run("old", "old", CPU)
    catalog.add_run("young", "young", CPU)
    starter = Starter()
    looks = Dispatcher(home, catalog, starter)
    looks.tick()
    catalog.claim_run("old", current_process())
    starter.wait()
    looks.tick()
    assert starter.started == ["old"]
    catalog.move_run("old", RunState.STOPPED)
    looks.tick()
    assert starter.started == ["old", "young"]
    starter.wait()


def test_a_worker_that_ends_before_it_claims_its_run_fails_it_with_its_last_words(
    home: Home, catalog: SqlCatalog
) -> None:
    catalog.add_run("broken", "broken", CPU)
    starter = Starter(code=3)
    looks = Dispatcher(home, catalog, starter)
    looks.tick()
    starter.wait()
    looks.tick()
    failed = catalog.run("broken")
    assert failed.state is RunState.FAILED
    assert failed.error == "The worker ended before it could begin (exit code 3): no such module"
    assert starter.started == ["broken"]


def test_a_run_whose_folder_is_gone_fails_and_does_not_hold_up_the_queue(
    home: Home, catalog: SqlCatalog
) -> None:
    for run_id in ("gone", "behind"):
        catalog.add_run(run_id, run_id, CPU)
    home.run_folder("behind").mkdir(parents=True)
    worker = subprocess.Popen([sys.executable, "-S", "-c", ""])

    started: list[str] = []

    def start(home: Home, run: RunRecord) -> subprocess.Popen[bytes]:
        started.append(run.id)
        return worker if run.id == "behind" else start_worker(home, run)

    Dispatcher(home, catalog, start).tick()
    failed = catalog.run("gone")
    assert failed.state is RunState.FAILED
    assert str(home.log_file("gone")) in failed.error
    assert started == ["gone", "behind"]
    worker.wait(30)


def test_a_run_that_failed_and_was_queued_again_is_not_blamed_on_its_first_worker(
    home: Home, catalog: SqlCatalog
) -> None:
    catalog.add_run("again", "again", CPU)
    starter = Starter(code=1)
    looks = Dispatcher(home, catalog, starter)
    looks.tick()
    catalog.claim_run("again", current_process())
    catalog.move_run("again", RunState.FAILED, error="as it happens")
    catalog.move_run("again", RunState.QUEUED)
    starter.wait()
    looks.tick()
    assert catalog.run("again").state is RunState.QUEUED
    assert starter.started == ["again", "again"]
    starter.wait()


def test_it_has_nothing_to_do_once_all_runs_have_ended(home: Home, catalog: SqlCatalog) -> None:
    looks = Dispatcher(home, catalog, Starter())
    looks.tick()
    assert not looks.busy
    catalog.add_run("one", "one", CPU)
    catalog.claim_run("one", current_process())
    looks.tick()
    assert looks.busy
    catalog.move_run("one", RunState.STOPPED)
    looks.tick()
    assert not looks.busy


@pytest.mark.parametrize(
    ("device", "slot"),
    [("cpu", "cpu"), ("cuda", "cuda:0"), ("CUDA:1", "cuda:1"), ("mps", "mps"), ("auto", likely_device())],
)
def test_a_device_has_one_slot(device: str, slot: str) -> None:
    assert slot_of(device) == slot
