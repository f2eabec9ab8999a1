"""How long after a request a live change is in force, in a real worker. Prints JSON.

python benchmarks/control_latency.py [--stage head|full] [--identities 518] [--changes 40]

A job is launched as the app launches it; then the temperature is changed again and again. "In force" is the time
until the first step under the new value began (the one before it was recorded); "told" until the outcome can be read
from the catalog, which is what a page or ``set`` waits for.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.recording_cost import config_for
from benchmarks.store_batches import setting
from edgeft_core import jobs
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ENDED, RunState
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog, open_metrics_reader
from edgeft_core.store.catalog import SqlCatalog

START_TIMEOUT_S = 600.0
ANSWER_TIMEOUT_S = 60.0


def wait_for_step(home: Home, catalog: SqlCatalog, run_id: str, step: int) -> float:
    """Seconds until a step can be read."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < START_TIMEOUT_S:
        with open_metrics_reader(home.metrics_file(run_id)) as reader:
            if reader.last_step() >= step:
                return time.perf_counter() - begun
        run = catalog.run(run_id)
        if run.state in ENDED:
            raise SystemExit(f"the run is {run.state}: {run.error}")
        time.sleep(0.05)
    raise SystemExit(f"step {step} was not reached")


def change(home: Home, run_id: str, temperature: float) -> dict[str, float]:
    """Change the temperature once: seconds until told and until in force, and the seconds that a step takes."""
    asked_at = time.time()
    begun = time.perf_counter()
    done = control.set_values(home, run_id, {"head.temperature": temperature}, wait_s=ANSWER_TIMEOUT_S)
    told = time.perf_counter() - begun
    if done.outcome != "applied" or done.step is None:
        raise SystemExit(f"the change was not applied: {done.outcome} {done.reason}")
    while True:
        with open_metrics_reader(home.metrics_file(run_id)) as reader:
            view = reader.tail(["temperature"], 10_000)
        place = int(np.searchsorted(view.step_V, done.step))
        if place < len(view.step_V):
            break
        time.sleep(0.02)
    if abs(float(view.high["temperature"][place]) - temperature) > 1e-4:
        raise SystemExit(f"step {done.step} ran under another temperature than it was told")
    step_s = float(np.median(np.diff(view.time_V[-20:])))
    begun_at = float(view.time_V[place - 1]) if place else asked_at
    return {"told_s": told, "in_force_s": max(0.0, begun_at - asked_at), "step_s": step_s}


def summary(values: list[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 3),
        "p95": round(float(np.quantile(values, 0.95)), 3),
        "worst": round(max(values), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=["head", "full"], default="head")
    parser.add_argument("--identities", type=int, default=518)
    parser.add_argument("--changes", type=int, default=40)
    arguments = parser.parse_args()
    where = {name: value for name, value in setting().items() if name not in {"keys", "classes"}}
    temperatures = random.Random(0)
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(Path(temporary)).ensure()
        with closing(open_catalog(home.catalog_url)) as catalog:
            run = jobs.launch(home, config_for(arguments.stage, arguments.identities))
            first_step_s = wait_for_step(home, catalog, run.id, 1)
            # While images are embedded in the first epoch, a step can wait for a block of them.
            with open_metrics_reader(home.metrics_file(run.id)) as reader:
                wait_for_step(home, catalog, run.id, int(reader.facts()["steps_per_epoch"]) + 1)
            rows: list[dict[str, float]] = []
            for _ in range(arguments.changes):
                rows.append(change(home, run.id, round(temperatures.uniform(0.5, 8.0), 3)))
                time.sleep(temperatures.uniform(0.1, 0.6))
            control.stop(home, run.id)
            while catalog.run(run.id).state is not RunState.STOPPED:
                time.sleep(0.1)
    shown: dict[str, Any] = {
        "stage": arguments.stage,
        "identities": arguments.identities,
        "changes": len(rows),
        "launch_to_first_readable_step_s": round(first_step_s, 2),
        "step_ms_median": round(1e3 * float(np.median([row["step_s"] for row in rows])), 1),
        "told_s": summary([row["told_s"] for row in rows]),
        "in_force_s": summary([row["in_force_s"] for row in rows]),
    }
    print(json.dumps({"benchmark": "control_latency", **where, **shown}, indent=2))


if __name__ == "__main__":
    main()
