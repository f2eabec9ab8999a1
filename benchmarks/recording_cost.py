"""What recording costs the training thread: the same steps with a recorder and without, in turns. Prints JSON.

python benchmarks/recording_cost.py [--stage head|full] [--identities 518] [--steps 400] [--turns 4]

Both sides run the real engine. "With" hands every event to the real recorder (metrics file and catalog on disk) and
asks the catalog for live commands before every step, as a worker does. "Inside" is the time spent in those calls
themselves; the rest of the difference is the recorder's thread taking turns with training. On a busy machine wall
times say little: processor time (of all threads together) is what to look at there.
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
from edgeft_core.engine.batch_monitor import GROUP
from edgeft_core.events import BatchDone, ControlRequest, Event
from edgeft_core.jobs.worker.controls import STOP, CatalogControls
from edgeft_core.jobs.worker.journal import Journal
from edgeft_core.jobs.worker.recorder import Recorder
from edgeft_core.presets import PRESETS
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog
from edgeft_core.store.processes import current_process

WARM_STEPS = 16


class Stopping:
    """Asks the catalog (or nobody) before each step, and for a stop after ``steps``; keeps the time it took."""

    def __init__(self, inner: CatalogControls | None, steps: int) -> None:
        self._inner = inner
        self._steps = steps
        self.seconds = 0.0

    def poll(self, next_step: int) -> Sequence[ControlRequest]:
        begun = time.perf_counter()
        asked = self._inner.poll(next_step) if self._inner is not None else ()
        self.seconds += time.perf_counter() - begun
        return asked if next_step <= self._steps else (STOP,)

    def wait(self, timeout_s: float) -> None:
        time.sleep(timeout_s)


def config_for(stage: str, identities: int) -> RunConfig:
    """Many epochs of one kind of stage; validation and heavy signals stay as they are by default."""
    changes: dict[str, Any] = {
        "threads": 1,
        "data.identities": identities,
        "data.workers": 0,
        "data.images_per_identity": 6,
        "stages.0.epochs": 1000,
        "stages.0.cached_views": 1,
        "monitor.validate_every_epochs": 1000,
    }
    if stage == "full":
        changes |= {"stages.0.train_backbone": True, "stages.0.backbone_lr": 1e-6}
    return with_values(PRESETS["recommended"](), changes)


class Clock:
    """Wall time per step, over groups of steps (short steps are told in groups), and processor time over all."""

    def __init__(self) -> None:
        self._ms: list[float] = []
        self._cpu_s, self._steps = 0.0, 0

    def time(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events on."""
        begun, cpu_begun, seen = 0.0, 0.0, 0
        for event in events:
            yield event
            if not isinstance(event, BatchDone):
                continue
            seen += 1
            if seen <= WARM_STEPS or seen % GROUP:
                continue
            now, cpu = time.perf_counter(), time.process_time()
            if begun:
                self._ms.append(1e3 * (now - begun) / GROUP)
                self._cpu_s += cpu - cpu_begun
                self._steps += GROUP
            begun, cpu_begun = now, cpu

    def figures(self, inside_s: float = 0.0) -> dict[str, float]:
        """Per step: mean, median and lower decile of wall time, processor time, and time inside our calls."""
        return {
            "ms_mean": float(np.mean(self._ms)),
            "ms": float(np.median(self._ms)),
            "ms_best_tenth": float(np.quantile(self._ms, 0.1)),
            "cpu_ms": 1e3 * self._cpu_s / self._steps,
            "inside_us": 1e6 * inside_s / self._steps,
        }


def bare(config: RunConfig, home: Home, steps: int) -> dict[str, float]:
    """Steps that nobody watches."""
    controls = Stopping(None, steps)
    clock = Clock()
    with tempfile.TemporaryDirectory(dir=home.root) as folder:
        events = train(config, folder=Path(folder), cache=home.cache, controls=controls)
        for _ in clock.time(events):
            pass
    return clock.figures()


def recorded(config: RunConfig, home: Home, steps: int) -> dict[str, float]:
    """The same steps as a worker takes them."""
    clock = Clock()
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
            for event in clock.time(events):
                begun = time.perf_counter()
                recorder.record(event)
                inside += time.perf_counter() - begun
        recorder.close()
    return clock.figures(inside + controls.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=["head", "full"], default="head")
    parser.add_argument("--identities", type=int, default=518)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--turns", type=int, default=4)
    arguments = parser.parse_args()
    where = {name: value for name, value in setting().items() if name not in {"keys", "classes"}}
    config = config_for(arguments.stage, arguments.identities)
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(Path(temporary)).ensure()
        bare(config, home, 4 * WARM_STEPS)  # draws the images, fills the embedding cache
        turns = [
            (bare(config, home, arguments.steps), recorded(config, home, arguments.steps))
            for _ in range(arguments.turns)
        ]
    shown = {
        "stage": arguments.stage,
        "identities": arguments.identities,
        "steps": arguments.steps,
        "turns": arguments.turns,
    }
    print(json.dumps({"benchmark": "recording_cost", **where, **shown, **compared(turns)}, indent=2))


def compared(turns: Sequence[tuple[dict[str, float], dict[str, float]]]) -> dict[str, Any]:
    """Medians over turns, and the share by which "with" exceeds "without" (median of the pairs)."""
    sides = {
        side: {
            name: round(float(np.median([pair[place][name] for pair in turns])), 3)
            for name in turns[0][place]
        }
        for place, side in enumerate(("without", "with"))
    }
    extra = {
        name: round(float(np.median([watched[name] / plain[name] - 1.0 for plain, watched in turns])), 4)
        for name in ("ms_mean", "ms", "ms_best_tenth", "cpu_ms")
    }
    inside = sides["with"]["inside_us"] / 1e3 / sides["without"]["ms"]
    return {**sides, "extra_share": extra, "inside_share": round(inside, 4)}


if __name__ == "__main__":
    main()
