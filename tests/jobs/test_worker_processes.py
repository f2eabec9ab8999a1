"""Real runs in real processes: to the end, steered, stopped, killed and taken up again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import psutil
import pytest

from edgeft_core import jobs
from edgeft_core.config_keys import with_values
from edgeft_core.jobs import control, dispatcher
from edgeft_core.jobs.dispatcher import LEASE
from edgeft_core.jobs.liveness import last_lines
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import REPOSITORY, Home
from edgeft_core.store import open_metrics_reader
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import CommandRecord
from tests.jobs.conftest import processes_of
from tests.jobs.real_runs import endless, short, wait_for, wait_for_state, wait_for_step

pytestmark = pytest.mark.slow


def recorded(home: Home, run_id: str, *keys: str) -> dict[int, tuple[float, ...]]:
    """Step -> values, as stored."""
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        view = reader.tail(keys, 1_000_000)
    columns = [view.high[key].tolist() for key in keys]
    return dict(zip(view.step_V.tolist(), zip(*columns, strict=True), strict=True))


def test_a_run_goes_to_its_end_and_leaves_everything_behind(home: Home, catalog: SqlCatalog) -> None:
    queued = jobs.launch(home, short(), name="first")
    assert queued.state is RunState.QUEUED
    run = wait_for_state(catalog, queued.id, RunState.FINISHED)

    folder = home.run_folder(run.id)
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["preset"] == "smoke"
    assert len(json.loads((folder / "classes.json").read_text(encoding="utf-8"))) == 40
    assert run.summary["step"] == run.summary["steps_total"] == 15
    assert run.summary["n_classes"] == 40
    assert 0.0 <= run.summary["best"]["val_top1"] <= 1.0
    assert "test_top1" in run.summary["metrics"]
    assert {one.kind for one in catalog.checkpoints(run.id)} >= {"best", "last"}
    assert all((folder / one.path).is_file() for one in catalog.checkpoints(run.id))
    assert sorted(recorded(home, run.id, "loss")) == list(range(1, 16))
    with open_metrics_reader(home.metrics_file(run.id)) as reader:
        facts = reader.facts()
        assert len(facts["class_names"]) == len(facts["label_counts"]) == 40
        assert len(facts["first_batch"]["predicted"]) == 10
        assert reader.samples("validation") is not None
    states = [one.text for one in catalog.history(run.id) if one.kind == "state"]
    assert states == ["queued", "starting", "running", "finished"]
    assert any("ended after step 15" in line for line in last_lines(home, run.id))
    wait_for(lambda: not processes_of(home, "edgeft_core.jobs.worker"))


def test_requests_steer_a_running_job_and_a_stopped_one_is_taken_up_again(
    home: Home, catalog: SqlCatalog
) -> None:
    run = jobs.launch(home, endless())
    wait_for_step(catalog, run.id, 5)

    changed = control.set_values(home, run.id, {"head.temperature": "2"}, wait_s=30)
    assert (changed.outcome, changed.changes) == ("applied", {"head.temperature": 2.0})
    assert changed.previous == {"head.temperature": 1.0}
    assert changed.step is not None
    both = control.set_values(home, run.id, {"head.scale": 8, "head.margin_rad": 0.3}, wait_s=30)
    assert both.outcome == "applied"

    assert control.pause(home, run.id, wait_s=30).outcome == "applied"
    paused_at = wait_for_state(catalog, run.id, RunState.PAUSED).summary["step"]
    while_paused = control.set_values(home, run.id, {"head.scale": 4}, wait_s=30)
    assert while_paused.outcome == "applied"
    resumed = control.resume(home, run.id, wait_s=30)
    assert isinstance(resumed, CommandRecord)
    assert resumed.outcome == "applied"
    wait_for_step(catalog, run.id, paused_at + 5)

    assert control.checkpoint(home, run.id, wait_s=30).outcome == "applied"
    stopping = control.stop(home, run.id, wait_s=30)
    assert isinstance(stopping, CommandRecord)
    assert stopping.outcome == "applied"
    stopped = wait_for_state(catalog, run.id, RunState.STOPPED)
    checkpoints = {one.kind: one for one in catalog.checkpoints(run.id)}
    assert "manual" in checkpoints
    assert checkpoints["last"].step == stopped.summary["step"]

    in_force = recorded(home, run.id, "temperature", "scale", "margin_rad")
    assert in_force[changed.step][0] == 2.0
    assert in_force[changed.step - 1][0] == 1.0
    assert both.step is not None
    assert in_force[both.step][1:] == pytest.approx((8.0, 0.3))
    assert while_paused.step is not None
    assert in_force[while_paused.step][1] == 4.0

    queued = control.resume(home, run.id)
    assert not isinstance(queued, CommandRecord)
    assert queued.state is RunState.QUEUED
    wait_for_step(catalog, run.id, checkpoints["last"].step + 5)
    control.stop(home, run.id, wait_s=30)
    wait_for_state(catalog, run.id, RunState.STOPPED)
    steps = sorted(recorded(home, run.id, "loss"))
    assert steps == list(range(1, len(steps) + 1))
    assert recorded(home, run.id, "scale")[len(steps)][0] == 4.0


def test_a_killed_worker_is_lost_and_the_queue_moves_on_without_anybody_watching(
    home: Home, catalog: SqlCatalog
) -> None:
    first = jobs.launch(home, with_values(endless(), {"max_restarts": 0}), name="first")
    second = jobs.launch(home, short(), name="second")
    running = wait_for_step(catalog, first.id, 5)
    assert catalog.run(second.id).state is RunState.QUEUED
    assert running.worker is not None
    psutil.Process(running.worker.pid).kill()

    lost = wait_for_state(catalog, first.id, RunState.LOST)
    assert "was killed" in lost.error
    assert last_lines(home, first.id)
    wait_for_state(catalog, second.id, RunState.FINISHED)

    # Epochs had been recorded beyond the last checkpoint, or not: taken up again there is no gap and no repetition.
    control.requeue(home, first.id)
    wait_for_step(catalog, first.id, lost.summary["step"] + 5)
    control.stop(home, first.id, wait_s=30)
    wait_for_state(catalog, first.id, RunState.STOPPED)
    steps = np.array(sorted(recorded(home, first.id, "loss")))
    assert (np.diff(steps) == 1).all()


def test_a_worker_outlives_the_process_that_launched_it_and_the_dispatcher(
    home: Home, catalog: SqlCatalog
) -> None:
    program = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from edgeft_core import jobs
        from edgeft_core.settings import Home
        from tests.jobs.real_runs import endless
        print(jobs.launch(Home(Path({str(home.root)!r})), endless()).id, flush=True)
        time.sleep(600)
        """
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout is not None
    with launcher.stdout:
        run_id = launcher.stdout.readline().strip()
    running = wait_for_step(catalog, run_id, 5)
    launcher.kill()
    launcher.wait(10)
    holder = catalog.lease_holder(LEASE)
    assert holder is not None
    psutil.Process(holder.pid).kill()

    wait_for_step(catalog, run_id, running.summary["step"] + 20)
    # Nobody looks and nobody launches anything: the worker sees to it that there is another.
    wait_for(lambda: (now := catalog.lease_holder(LEASE)) is not None and now.pid != holder.pid)
    queued = jobs.launch(home, short())
    assert catalog.run(queued.id).state is RunState.QUEUED
    assert running.worker is not None
    if sys.platform == "win32":  # no such signal there: a detached process is asked through the catalog
        control.stop(home, run_id)
    else:
        os.kill(running.worker.pid, signal.SIGTERM)
    stopped = wait_for_state(catalog, run_id, RunState.STOPPED)
    assert [one.step for one in catalog.checkpoints(run_id) if one.kind == "last"] == [
        stopped.summary["step"]
    ]
    wait_for_state(catalog, queued.id, RunState.RUNNING, RunState.FINISHED)


def test_a_run_that_fails_says_why_in_one_sentence_and_the_log_has_the_traceback(
    home: Home, catalog: SqlCatalog, tmp_path: Path
) -> None:
    (tmp_path / "faces" / "only one").mkdir(parents=True)
    config = with_values(short(), {"data.source": str(tmp_path / "faces")})
    run = jobs.launch(home, config)
    wait_for(lambda: catalog.run(run.id).state is RunState.FAILED)
    failed = catalog.run(run.id)
    assert str(tmp_path / "faces") in failed.error
    assert "Unexpected" not in failed.error
    assert "Traceback" not in failed.error
    assert any("Traceback" in line for line in last_lines(home, run.id, 200))


def test_a_stop_while_the_run_is_being_prepared_is_obeyed_before_the_first_step(
    home: Home, catalog: SqlCatalog
) -> None:
    run = jobs.launch(home, with_values(endless(), {"data.identities": 300}))
    wait_for_state(catalog, run.id, RunState.STARTING)
    control.stop(home, run.id)
    stopped = wait_for_state(catalog, run.id, RunState.STOPPED)
    assert stopped.summary.get("step", 0) <= 5
    assert [one.outcome for one in catalog.commands(run.id)] == ["applied"]


def test_of_many_dispatchers_one_stays(home: Home, catalog: SqlCatalog) -> None:
    starts = [dispatcher._start(home) for _ in range(3)]
    holder = wait_for(lambda: catalog.lease_holder(LEASE))
    wait_for(lambda: sum(one.poll() is None for one in starts) == 1)
    assert [one.pid for one in starts if one.poll() is None] == [holder.pid]
    dispatcher.ensure(home)
    assert [one.pid for one in processes_of(home)] == [holder.pid]
