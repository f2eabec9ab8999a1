"""What happens to machines, done to real runs: killed workers, full disks, damaged files, clocks that jump."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.newest import step_of
from edgeft_core.jobs import control
from edgeft_core.jobs.detach import start_detached
from edgeft_core.jobs.dispatcher import LEASE
from edgeft_core.jobs.dispatcher.loop import start_worker
from edgeft_core.jobs.liveness import mark_lost
from edgeft_core.jobs.states import RunState
from edgeft_core.jobs.worker.recorder import CHECK_EVERY_S
from edgeft_core.jobs.worker.work import FAILED
from edgeft_core.settings import REPOSITORY, Home
from edgeft_core.store import open_catalog, open_metrics_reader
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process
from tests.jobs.conftest import end_processes, processes_of
from tests.jobs.real_runs import endless, short, wait_for, wait_for_state, wait_for_step

pytestmark = pytest.mark.slow

NOTICED_WITHIN_S = 15.0

SPEED = {"images_per_s", "device_memory_mib", "step_ms", "data_ms", "data_wait_ms", "gpu_util"}


def both_stages(**changes: Any) -> RunConfig:
    """Some seconds of cached steps, then steps that train the backbone."""
    return with_values(
        short(), {"stages.0.epochs": 60, "stages.0.patience_epochs": 60, "stages.1.epochs": 6} | changes
    )


def numbers_of(home: Home, run_id: str) -> dict[str, dict[int, float]]:
    """Every recorded value that does not tell how fast the machine was."""
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        views = [
            reader.tail(reader.batch_keys(), 1_000_000),
            reader.sparse(reader.signal_keys(), points=1_000_000),
        ]
        found: dict[str, dict[int, float]] = {}
        for view in views:
            for key, values in view.high.items():
                if key not in SPEED:
                    steps = zip(view.step_V.tolist(), values.tolist(), strict=True)
                    found[key] = {step: value for step, value in steps if not np.isnan(value)}
        return found


def tensors_of(home: Home, run_id: str) -> dict[str, torch.Tensor]:
    """Head, backbone and optimiser of the last checkpoint."""
    content = torch.load(home.run_folder(run_id) / "checkpoints" / "last.pt", weights_only=True)
    found: dict[str, torch.Tensor] = {}

    def collect(name: str, value: Any) -> None:
        if isinstance(value, torch.Tensor):
            found[name] = value
        elif isinstance(value, dict):
            for key, inner in value.items():
                collect(f"{name}.{key}", inner)

    for part in ("head", "backbone", "leg", "random"):
        collect(part, content[part])
    return found


def kill_worker(catalog: SqlCatalog, run_id: str) -> None:
    worker = catalog.run(run_id).worker
    assert worker is not None
    with contextlib.suppress(psutil.NoSuchProcess):  # it was faster and has finished
        psutil.Process(worker.pid).kill()


def test_a_run_that_is_killed_again_and_again_equals_one_that_was_not(
    home: Home, catalog: SqlCatalog
) -> None:
    killed = jobs.launch(home, both_stages(max_restarts=10), name="killed")
    moments = random.Random(4)
    wait_for_state(catalog, killed.id, RunState.STARTING)
    kill_worker(catalog, killed.id)  # before anything was computed
    for first in (moments.randint(20, 200), 301 + moments.randint(0, 4)):
        wait_for_step(catalog, killed.id, first)
        kill_worker(catalog, killed.id)
    ended = wait_for_state(catalog, killed.id, RunState.FINISHED)
    assert 2 <= ended.restarts <= 3, "the last kill may have come too late"
    lost = [one for one in catalog.history(killed.id) if one.text == "lost"]
    assert len(lost) == ended.restarts
    assert all("was killed" in one.data["error"] for one in lost)

    whole = jobs.launch(home, both_stages(), name="whole")
    wait_for_state(catalog, whole.id, RunState.FINISHED)
    ours, theirs = numbers_of(home, killed.id), numbers_of(home, whole.id)
    assert {"loss", "top1", "val_top1", "grad_norm_head", "temperature"} <= set(theirs)
    assert sorted(ours) == sorted(theirs)
    for key, values in theirs.items():
        assert ours[key] == values, key
    one, other = tensors_of(home, killed.id), tensors_of(home, whole.id)
    assert sorted(one) == sorted(other)
    assert any(name.startswith("leg.") for name in one) or len(one) > 10
    assert [name for name, tensor in other.items() if not torch.equal(one[name], tensor)] == []


def test_a_killed_run_is_noticed_soon_and_after_its_last_restart_waits_for_somebody(
    home: Home, catalog: SqlCatalog
) -> None:
    run = jobs.launch(home, with_values(endless(), {"max_restarts": 1}))
    wait_for_step(catalog, run.id, 5)
    unfinished = home.run_folder(run.id) / "checkpoints" / "last.pt.1.tmp"
    unfinished.write_bytes(b"half of it")
    kill_worker(catalog, run.id)
    wait_for(lambda: catalog.run(run.id).restarts == 1, timeout_s=NOTICED_WITHIN_S)
    wait_for_state(catalog, run.id, RunState.RUNNING)
    assert not unfinished.exists()
    kill_worker(catalog, run.id)
    wait_for(lambda: catalog.run(run.id).state is RunState.LOST, timeout_s=NOTICED_WITHIN_S)
    assert "was taken up again 1 times already" in catalog.run(run.id).error
    control.requeue(home, run.id)
    wait_for_state(catalog, run.id, RunState.RUNNING)
    control.stop(home, run.id)
    wait_for_state(catalog, run.id, RunState.STOPPED)


@pytest.fixture
def worker(home: Home, catalog: SqlCatalog) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that trains; nobody but the test moves the queue."""
    assert catalog.take_lease(LEASE, current_process(), ttl_s=3600)
    started = start_worker(home, jobs.launch(home, endless(), name="sleeper"))
    wait_for_step(catalog, "sleeper", 5)
    yield started
    started.kill()
    started.wait(30)


def suspend(worker: subprocess.Popen[bytes], home: Home) -> None:
    """As on a laptop that sleeps, for so long that it looks first of all whether its run is still its own.

    Not in the middle of a transaction, which would keep the catalog from everybody.
    """
    if sys.platform == "win32":
        pytest.skip("Windows has no signal that suspends a process")

    def suspended() -> bool:
        os.kill(worker.pid, signal.SIGSTOP)
        wait_for(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
        if can_be_written(home.root / "catalog.sqlite"):
            return True
        os.kill(worker.pid, signal.SIGCONT)
        return False

    wait_for(suspended)
    time.sleep(CHECK_EVERY_S)


def can_be_written(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


def test_a_worker_that_wakes_up_after_it_was_given_up_saves_and_ends(
    home: Home, catalog: SqlCatalog, worker: subprocess.Popen[bytes]
) -> None:
    suspend(worker, home)
    run = catalog.run("sleeper")
    mark_lost(catalog, run, "It has not answered")
    os.kill(worker.pid, signal.SIGCONT)
    worker.wait(60)
    (last,) = (one for one in catalog.checkpoints(run.id) if one.kind == "last")
    assert last.step >= int(run.summary["step"])
    assert last.step in checkpoints_of(home, run.id)
    assert catalog.run(run.id).state is RunState.LOST, "it waits for somebody"


def test_a_worker_that_wakes_up_after_its_run_was_given_to_another_touches_nothing(
    home: Home, catalog: SqlCatalog, worker: subprocess.Popen[bytes]
) -> None:
    run = catalog.run("sleeper")
    control.pause(home, run.id, wait_s=60)  # else it may be suspended in the middle of writing
    suspend(worker, home)
    mark_lost(catalog, run, "It has not answered")
    control.requeue(home, run.id)
    assert catalog.claim_run(run.id, current_process())
    before, told, saved = asdict(catalog.run(run.id)), catalog.history(run.id), catalog.checkpoints(run.id)
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait(60) == FAILED
    after = asdict(catalog.run(run.id))
    assert {key: value for key, value in before.items() if after[key] != value} == {}
    assert (catalog.history(run.id), catalog.checkpoints(run.id)) == (told, saved)
    catalog.move_run(run.id, RunState.FAILED, error="It was a test.")


def test_a_flipped_bit_in_the_newest_checkpoint_costs_the_steps_since_the_one_before(
    home: Home, catalog: SqlCatalog
) -> None:
    ring = {"checkpoints.every_steps": 20, "checkpoints.keep": 100, "max_restarts": 0}
    run = jobs.launch(home, with_values(endless(), ring))
    wait_for_step(catalog, run.id, 70)
    kill_worker(catalog, run.id)
    wait_for_state(catalog, run.id, RunState.LOST)
    before = numbers_of(home, run.id)

    holding = checkpoints_of(home, run.id)
    newest, one_before = sorted(holding, reverse=True)[:2]
    for path in holding[newest]:
        flip_a_bit(path)
    control.requeue(home, run.id)
    wait_for_step(catalog, run.id, max(before["loss"]) + 20)
    control.stop(home, run.id)
    wait_for_state(catalog, run.id, RunState.STOPPED)

    told = [one.text for one in catalog.history(run.id)]
    assert f"The run goes on after step {one_before}." in told
    warned = [text for text in told if text.endswith("The run goes on from the one before it.")]
    assert any(path.name in text for path in holding[newest] for text in warned)
    after = numbers_of(home, run.id)
    assert sorted(after["loss"]) == list(range(1, len(after["loss"]) + 1))
    for key, values in before.items():
        assert {step: after[key].get(step) for step in values} == values, key


def checkpoints_of(home: Home, run_id: str) -> dict[int, list[Path]]:
    """The files that hold each step's state."""
    found: dict[int, list[Path]] = {}
    for path in (home.run_folder(run_id) / "checkpoints").glob("*.pt"):
        found.setdefault(step_of(checkpoint_file.read(path)), []).append(path)
    return found


def flip_a_bit(path: Path) -> None:
    """In the middle, where the largest tensors lie."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MB, which needs root on Linux."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "edgeft-test", str(folder)]
    if not sys.platform.startswith("linux") or shutil.which("mount") is None:
        pytest.skip("a disk of its own can only be mounted on Linux")
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs the rights of root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_pauses_the_run_and_space_lets_it_go_on(small_disk: Path) -> None:
    home = Home(small_disk / "home").ensure()
    with closing(open_catalog(home.catalog_url)) as catalog:
        run = jobs.launch(home, endless())
        wait_for_step(catalog, run.id, 20)
        filler = small_disk / "filler"
        paused = wait_for(lambda: paused_by(filler, catalog, run.id))
        assert "No space is left" in paused.summary["waiting"]
        worker = paused.worker
        step = wait_for(lambda: still_at(home, run.id))
        assert catalog.run(run.id).state is RunState.PAUSED
        filler.unlink()
        going = wait_for_state(catalog, run.id, RunState.RUNNING)
        assert going.worker == worker
        wait_for_step(catalog, run.id, step + 50)
        assert catalog.run(run.id).summary["waiting"] is None
        notices = [one.text for one in catalog.history(run.id) if one.kind == "notice"]
        assert any(text.startswith("Training waits: No space is left") for text in notices)
        assert any(text.startswith("Training goes on after waiting") for text in notices)
        with open_metrics_reader(home.metrics_file(run.id)) as reader:
            steps = reader.tail(["loss"], 1_000_000).step_V
        assert (np.diff(steps) == 1).all(), "nothing of the time before and after is missing"
    end_processes(home)


def paused_by(filler: Path, catalog: SqlCatalog, run_id: str) -> RunRecord | None:
    """Write until the disk refuses; again and again, for a checkpoint that did not fit gives its room back."""
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    run = catalog.run(run_id)
    return run if run.state is RunState.PAUSED and run.summary.get("waiting") else None  # told a beat later


def still_at(home: Home, run_id: str) -> int:
    """The last recorded step once it does not change for a second; 0 while it does."""
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        before = reader.last_step()
        psutil.Process().cpu_percent(interval=1.0)
        return before if reader.last_step() == before else 0


def test_damage_to_the_recorded_numbers_ends_neither_this_run_nor_another(
    home: Home, catalog: SqlCatalog
) -> None:
    run = jobs.launch(home, endless(), name="damaged")
    other = jobs.launch(home, short(), name="behind it")
    step = int(wait_for_step(catalog, run.id, 20).summary["step"])
    path = home.metrics_file(run.id)
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(path.stat().st_size))
    wait_for_step(catalog, run.id, step + 50)
    control.stop(home, run.id)
    wait_for_state(catalog, run.id, RunState.STOPPED)
    wait_for_state(catalog, other.id, RunState.FINISHED)

    # A worker that finds the file damaged sets it aside, and goes on in a new one.
    path.write_bytes(b"no database " * 1000)
    before = set(path.parent.glob("metrics.sqlite.damaged-*"))
    stopped = int(catalog.run(run.id).summary["step"])
    control.requeue(home, run.id)
    wait_for_step(catalog, run.id, stopped + 5)
    (aside,) = set(path.parent.glob("metrics.sqlite.damaged-*")) - before
    with open_metrics_reader(path) as reader:
        assert reader.last_step() > stopped
        assert reader.facts()["class_names"]
    assert any(f"was set aside as {aside.name}" in one.text for one in catalog.history(run.id))
    control.stop(home, run.id)
    wait_for_state(catalog, run.id, RunState.STOPPED)


def test_of_two_workers_for_one_run_one_trains_it(home: Home, catalog: SqlCatalog) -> None:
    catalog.add_run("contested", "contested", short())
    home.run_folder("contested").mkdir()
    arguments = ["--home", str(home.root), "--run", "contested"]
    workers = [
        start_detached("edgeft_core.jobs.worker", arguments, log=home.log_file("contested")) for _ in range(3)
    ]
    wait_for_state(catalog, "contested", RunState.FINISHED)
    assert [one.wait(60) for one in workers] == [0, 0, 0]
    assert [one.text for one in catalog.history("contested") if one.kind == "state"].count("starting") == 1


def test_two_servers_on_one_home_start_one_dispatcher_and_each_run_once(
    home: Home, catalog: SqlCatalog
) -> None:
    program = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from edgeft_core import jobs
        from edgeft_core.jobs.liveness import reconcile
        from edgeft_core.settings import Home
        from tests.jobs.real_runs import short
        home = Home(Path({str(home.root)!r}))
        sys.stdin.readline()
        print(jobs.launch(home, short()).id, flush=True)
        for _ in range(20):
            reconcile(home)
            time.sleep(0.2)
        """
    )
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for one in servers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    runs = [one.communicate(timeout=240)[0].strip() for one in servers]
    assert len(set(runs)) == 2
    wait_for(lambda: len(processes_of(home, "edgeft_core.jobs.dispatcher")) == 1)  # what came second leaves
    holder = catalog.lease_holder(LEASE)
    assert holder is not None
    assert [one.pid for one in processes_of(home, "edgeft_core.jobs.dispatcher")] == [holder.pid]
    for run_id in [one.id for one in reversed(catalog.runs())]:  # as they are trained, oldest first
        assert run_id in runs
        wait_for_state(catalog, run_id, RunState.FINISHED)
        assert [one.text for one in catalog.history(run_id) if one.kind == "state"].count("starting") == 1


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long ahead(void) { const char *s = getenv("EDGEFT_TEST_AHEAD_S"); return s ? atol(s) : 0; }
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, t);
    if (id == CLOCK_REALTIME) t->tv_sec += ahead();
    return code;
}
int gettimeofday(struct timeval *t, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec; t->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
"""


@pytest.fixture
def other_clock(tmp_path: Path) -> Path:
    """A library that lets a process live at another time."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a clock of its own needs Linux and a C compiler")
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(CLOCK, encoding="ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def test_a_clock_that_jumps_by_a_day_loses_nobody(home: Home, catalog: SqlCatalog, other_clock: Path) -> None:
    run = jobs.launch(home, endless())
    running = wait_for_step(catalog, run.id, 5)
    with dispatcher_of_another_time(home, other_clock, 86_400) as pid:
        wait_for(lambda: (holder := catalog.lease_holder(LEASE)) is not None and holder.pid == pid)
        assert_not_lost(catalog, running)
    with dispatcher_of_another_time(home, other_clock, -86_400):
        assert_not_lost(catalog, running)
        behind = jobs.launch(home, short())
        control.stop(home, run.id)
        wait_for_state(catalog, run.id, RunState.STOPPED)
        wait_for_state(catalog, behind.id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)


@contextlib.contextmanager
def dispatcher_of_another_time(home: Home, clock: Path, ahead_s: int) -> Iterator[int]:
    jumped = subprocess.Popen(
        [sys.executable, "-m", "edgeft_core.jobs.dispatcher", "--home", str(home.root)],
        cwd=REPOSITORY,
        env={**os.environ, "LD_PRELOAD": str(clock), "EDGEFT_TEST_AHEAD_S": str(ahead_s)},
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: any(one.pid == jumped.pid for one in processes_of(home)))
    yield jumped.pid
    jumped.kill()
    jumped.wait(10)


def assert_not_lost(catalog: SqlCatalog, running: RunRecord) -> None:
    """The same worker is still at it 200 steps later."""
    later = wait_for_step(catalog, running.id, int(catalog.run(running.id).summary["step"]) + 200)
    assert (later.state, later.worker) == (RunState.RUNNING, running.worker)
