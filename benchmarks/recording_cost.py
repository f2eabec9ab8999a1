"""What recording costs the training thread: the same steps with a recorder and without, in turns. Prints JSON.

python benchmarks/recording_cost.py [--stage head|full] [--identities 518] [--steps 400] [--turns 4]

Both sides run the real engine. "With" hands every event to the real recorder (metrics file and catalog on disk) and
asks the catalog for live commands before every step, as a worker does. "Inside" is the time spent in those calls
themselves; the rest of the difference is the recorder's thread taking turns with training.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.store_batches import setting
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.engine import train
from edgeft_core.events import BatchDone, ControlRequest, Event
from edgeft_core.jobs.worker.controls import STOP, CatalogControls
from edgeft_core.jobs.worker.journal import Journal
from edgeft_core.jobs.worker.recorder import Recorder
from edgeft_core.presets import PRESETS
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog
from edgeft_core.store.processes import current_process

WARM_STEPS = 30


class Stopping:
    """Asks the catalog (or nobody) before each step, and for a stop after enough of them; keeps the time it took."""

    def __init__(self, inner: CatalogControls | None, steps: int) -> None:
        self._inner = inner
        self._left = steps
        self.seconds = 0.0

    def poll(self) -> Sequence[ControlRequest]:
        begun = time.perf_counter()
        asked = self._inner.poll() if self._inner is not None else ()
        self.seconds += time.perf_counter() - begun
        self._left -= 1
        return asked if self._left >= 0 else (STOP,)

    def wait(self, timeout_s: float) -> None:
        time.sleep(timeout_s)


def config_for(stage: str, identities: int) -> RunConfig:
    """Many epochs of one kind of stage; validation and heavy signals stay as they are by default."""
    changes: dict[str, Any] = {
        "threads": 1,
        "data.identities": identities,
        "data.images_per_identity": 6,
        "stages.0.epochs": 1000,
        "stages.0.cached_views": 1,
        "monitor.validate_every_epochs": 1000,
    }
    if stage == "full":
        changes |= {"stages.0.train_backbone": True, "stages.0.backbone_lr": 1e-6}
    return with_values(PRESETS["recommended"](), changes)


def step_seconds(events: Iterator[Event], steps: list[float]) -> Iterator[Event]:
    """Pass events on; note the seconds between one step's end and the next."""
    last = None
    for event in events:
        yield event
        if isinstance(event, BatchDone):
            now = time.perf_counter()
            if last is not None:
                steps.append(now - last)
            last = now


def bare(config: RunConfig, home: Home, steps: int) -> dict[str, Any]:
    """Steps that nobody watches."""
    controls = Stopping(None, steps)
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(dir=home.root) as folder:
        events = train(config, folder=Path(folder), cache=home.cache, controls=controls)
        for _ in step_seconds(events, seconds):
            pass
    return {"seconds": seconds[WARM_STEPS:], "inside": 0.0}


def recorded(config: RunConfig, home: Home, steps: int) -> dict[str, Any]:
    """The same steps as a worker takes them."""
    seconds: list[float] = []
    inside = 0.0
    with closing(open_catalog(home.catalog_url)) as catalog:
        run_id = f"run{time.time_ns()}"
        home.run_folder(run_id).mkdir(parents=True)
        catalog.add_run(run_id, run_id, config)
        catalog.claim_run(run_id, current_process())
        run = catalog.run(run_id)
        listening = CatalogControls(catalog, run_id)
        controls = Stopping(listening, steps)
        recorder = Recorder(Journal(home, run, catalog), still_ours=lambda: True, evict=lambda: None)
        events = train(config, folder=home.run_folder(run_id), cache=home.cache, controls=controls)
        with listening:
            for event in step_seconds(events, seconds):
                begun = time.perf_counter()
                recorder.record(event)
                inside += time.perf_counter() - begun
        recorder.close()
    return {"seconds": seconds[WARM_STEPS:], "inside": inside + controls.seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=["head", "full"], default="head")
    parser.add_argument("--identities", type=int, default=518)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--turns", type=int, default=4)
    arguments = parser.parse_args()
    where = setting()
    config = config_for(arguments.stage, arguments.identities)
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(Path(temporary)).ensure()
        bare(config, home, WARM_STEPS + 1)  # draws the images, fills the embedding cache
        turns = [
            (bare(config, home, arguments.steps), recorded(config, home, arguments.steps))
            for _ in range(arguments.turns)
        ]
    plain = [1e3 * float(np.median(one["seconds"])) for one, _ in turns]
    watched = [1e3 * float(np.median(one["seconds"])) for _, one in turns]
    inside_us = 1e6 * float(np.median([one["inside"] / arguments.steps for _, one in turns]))
    shown = {
        "stage": arguments.stage,
        "identities": arguments.identities,
        "steps": arguments.steps,
        "step_ms_without": [round(ms, 3) for ms in plain],
        "step_ms_with": [round(ms, 3) for ms in watched],
        "inside_us_per_step": round(inside_us, 1),
        "inside_share_of_step": round(inside_us / 1e3 / float(np.median(plain)), 4),
        "median_of_paired_differences_share": round(
            float(np.median(np.array(watched) / np.array(plain) - 1.0)), 4
        ),
    }
    print(json.dumps({"benchmark": "recording_cost", **where, **shown}, indent=2))


if __name__ == "__main__":
    main()
