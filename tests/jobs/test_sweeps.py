"""A sweep in a real process: paused, killed, taken up again, and finished with the numbers of an undisturbed one."""

from __future__ import annotations

import psutil
import pytest

from edgeft_core import jobs, queries
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.jobs import control
from edgeft_core.jobs.states import RunState
from edgeft_core.labs.sweep.axes import parse_axis
from edgeft_core.labs.sweep.base import with_sweep
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from tests.jobs.real_runs import short, wait_for, wait_for_state, wait_for_step

pytestmark = pytest.mark.slow


def sweep_of(epochs: int) -> RunConfig:
    config = with_values(short(), {"data.image_px": 32, "data.low_res_px": "16"})
    return with_sweep(config, [parse_axis("scale=2,16"), parse_axis("centre=on,off")], epochs=epochs)


def test_a_sweep_is_paused_killed_and_taken_up_again(home: Home, catalog: SqlCatalog) -> None:
    run = jobs.launch(home, sweep_of(3000), name="long")
    wait_for_step(catalog, run.id, 20)
    assert control.pause(home, run.id, wait_s=60).outcome == "applied"
    paused = wait_for_state(catalog, run.id, RunState.PAUSED)
    refused = control.set_values(home, run.id, {"head.scale": 4}, wait_s=60)
    assert refused.outcome == "refused"
    assert control.checkpoint(home, run.id, wait_s=60).outcome == "applied"
    control.resume(home, run.id, wait_s=60)
    wait_for((home.run_folder(run.id) / "sweep_state.pt").exists)
    assert paused.worker is not None
    psutil.Process(paused.worker.pid).kill()
    wait_for(
        lambda: (
            catalog.run(run.id).worker not in {paused.worker, None}
            or catalog.run(run.id).state is RunState.LOST
        )
    )
    if catalog.run(run.id).state is RunState.LOST:
        control.resume(home, run.id)
    wait_for(lambda: any("goes on after step" in one.text for one in catalog.history(run.id)))
    control.stop(home, run.id)
    wait_for_state(catalog, run.id, RunState.STOPPED)


def test_a_finished_sweep_leaves_its_table_and_its_best_in_the_list(home: Home, catalog: SqlCatalog) -> None:
    run = jobs.launch(home, sweep_of(3))
    done = wait_for_state(catalog, run.id, RunState.FINISHED)
    assert done.summary["step"] == done.summary["steps_total"] == 15
    results = queries.sweep_results(home, run.id)
    frame = queries.sweep_frame(results)
    assert frame["step"].tolist() == [15] * 4
    assert done.summary["best"]["val_top1"] >= frame["val_top1"].max() - 1e-6
    assert "verdict" not in done.summary
    assert not (home.run_folder(run.id) / "sweep_state.pt").exists()
    queries.forget(home)
