"""A sweep in a catalog with a table that was measured, without anybody who trained it."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from edgeft_core import store
from edgeft_core.config import RunConfig
from edgeft_core.config_sweep import SweepAxis
from edgeft_core.jobs.states import RunState
from edgeft_core.labs.sweep.axes import parse_axis
from edgeft_core.labs.sweep.base import with_sweep
from edgeft_core.labs.sweep.heads import heads_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process

STEPS = (0, 1, 4, 20, 100)
CLASSES = 100
AXES = ("scale=2,8,32", "temperature=1,4", "lr=1e-4,1e-3")


def collapse_of(s_eff: float, step: int) -> float:
    """The largest class' share that the recorded sweep shows: small s / T collapses, the more so the later."""
    return float(np.clip(0.02 + (step / 100) * (s_eff < 4) * 0.8, 0, 1))


def record_sweep(
    home: Home,
    *,
    axes: tuple[str, ...] = AXES,
    draws: int = 0,
    name: str = "swept",
    looks: int = len(STEPS),
    finished: bool = True,
    base: RunConfig | None = None,
) -> RunRecord:
    """A sweep whose heads collapse where s / T is below 4.

    Args:
        looks: so many of :data:`STEPS` are measured.
        finished: otherwise it still runs, and this process stands in for its worker.
    """
    parsed: list[SweepAxis] = [parse_axis(axis) for axis in axes]
    config = with_sweep(base or RunConfig(), parsed, draws=draws)
    assert config.sweep is not None
    heads = heads_of(config.sweep, config.seed)
    home.ensure()
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        run = catalog.add_run(f"s{len(catalog.runs()):07d}", name, config)
        catalog.claim_run(run.id, current_process())
        catalog.move_run(run.id, RunState.RUNNING)
        summary = {
            "n_classes": CLASSES,
            "split_images": {"train": 800, "validation": 200},
            "step": STEPS[looks - 1],
            "steps_total": STEPS[-1],
            "stage": 0,
        }
        catalog.heartbeat(run.id, summary)
        if finished:
            catalog.move_run(run.id, RunState.FINISHED, step=STEPS[-1])
        run = catalog.run(run.id)
    home.run_folder(run.id).mkdir(parents=True, exist_ok=True)
    table = store.SweepTableWriter(home.sweep_file(run.id), heads, STEPS, [step / 10 for step in STEPS])
    for step in STEPS[:looks]:
        s_eff = [
            float(head.get("head.scale", 16.0)) / float(head.get("head.temperature", 1.0)) for head in heads
        ]
        share_K = np.array([collapse_of(one, step) for one in s_eff], np.float32)
        top1_K = np.clip((1 - share_K) * step / 120, 0, 1).astype(np.float32)
        values = {
            "max_class_share": share_K,
            "effective_classes": CLASSES * (1 - share_K),
            "top1": top1_K,
            "top5": np.minimum(1, 2 * top1_K),
        }
        values |= {f"val_{key}": value * np.float32(0.9) for key, value in values.items()}
        values["val_loss"] = np.float32(np.log(CLASSES)) * (1 - top1_K)
        table.put(step, 0, values)
    table.flush()
    return run
