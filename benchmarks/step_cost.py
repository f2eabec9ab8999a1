"""What a training step costs with and without its signals: cached stage-1 step and stage-2 step, JSON out.

Both ways alternate within one process in blocks of steps (signals of short steps are computed for several at once).
With one thread its processor time is counted, so that other work on the machine changes the ratio little; with more,
the time that passes, which wants a quiet machine. Run with ``python benchmarks/step_cost.py [--threads 2]``.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.engine import NoControls
from edgeft_core.engine.batch_monitor import GROUP
from edgeft_core.engine.crew import Crew
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.preparation import prepare
from edgeft_core.engine.session import Session
from edgeft_core.events import Event
from edgeft_core.presets import recommended

BATCHES = 8
Clock = Callable[[], int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cached-steps", type=int, default=400)
    parser.add_argument("--pixel-steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    clock = time.thread_time_ns if asked.threads == 1 else time.perf_counter_ns
    load = psutil.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        session = _drained(
            prepare(_config(asked.threads), folder=Path(folder) / "run", cache=Path(folder) / "cache")
        )
        crew = Crew(session, NoControls())
        with crew:
            cached = _stage(session, crew, asked.cached_steps, clock)
            session.position.enter(1)
            pixels = _stage(session, crew, asked.pixel_steps, clock)
    print(
        json.dumps({**_setting(load, asked.threads), "cached_step": cached, "stage_2_step": pixels}, indent=2)
    )


def _config(threads: int) -> RunConfig:
    return with_values(recommended(), {"threads": threads, "data.workers": 0})


def _drained(work: Generator[Event, None, Session]) -> Session:
    while True:
        try:
            next(work)
        except StopIteration as done:
            session: Session = done.value
            return session


def _stage(session: Session, crew: Crew, steps: int, clock: Clock) -> dict[str, float]:
    """Median milliseconds per step of the stage that comes next."""
    leg = crew.next_leg()
    assert leg is not None
    items = (item for item in leg.feed.epoch(0, 0) if isinstance(item, StepBatch))
    batches = list(islice(items, BATCHES))
    heavy = session.config.monitor.heavy_every_steps
    bare = _Timed(lambda batch: _bare(leg, batch), session, clock, at_step=50)
    watched = _Timed(lambda batch: _watched(leg, crew, batch), session, clock, at_step=50)
    scheduled = _Timed(lambda batch: _watched(leg, crew, batch), session, clock, at_step=heavy - 1)
    block = GROUP if leg.feed.cached else 1
    for number in range(steps // block):
        for timed in (bare, watched):
            timed([batches[place % BATCHES] for place in range(block)])
        if number % max(1, steps // block // 12) == 0:
            scheduled(batches[:1])
            _spend(crew.between_steps(leg))  # groups hold steps that follow one another
    _spend(crew.after_epoch(leg))
    per_heavy = scheduled.median_ms() - bare.median_ms()
    light = watched.median_ms() - bare.median_ms()
    every_step = light + (per_heavy - light) / heavy
    return {
        "bare_ms": round(bare.median_ms(), 3),
        "with_signals_ms": round(watched.median_ms(), 3),
        "with_scheduled_ones_ms": round(scheduled.median_ms(), 3),
        "signals_percent": round(100 * light / bare.median_ms(), 1),
        "signals_and_scheduled_percent": round(100 * every_step / bare.median_ms(), 1),
    }


class _Timed:
    """Time per step by ``clock``, in milliseconds.

    Steps are taken as if they were number ``at_step + 1`` of the second epoch: past the early looks of a stage.
    """

    def __init__(
        self, work: Callable[[StepBatch], None], session: Session, clock: Clock, *, at_step: int
    ) -> None:
        self._work, self._session, self._clock, self._at_step = work, session, clock, at_step
        self._took: list[float] = []

    def __call__(self, batches: Sequence[StepBatch]) -> None:
        position = self._session.position
        start = self._clock()
        for place, batch in enumerate(batches):
            position.step, position.epoch, position.batch = self._at_step, 1, place
            self._work(batch)
        self._took.append((self._clock() - start) / 1e6 / len(batches))

    def median_ms(self) -> float:
        return statistics.median(self._took)


def _bare(leg: Leg, batch: StepBatch) -> None:
    leg.step(batch)


def _watched(leg: Leg, crew: Crew, batch: StepBatch) -> None:
    _spend(crew.before_step(leg, batch))
    _spend(crew.after_step(leg, batch, leg.step(batch)))


def _spend(events: Iterable[Event]) -> None:
    for _ in events:
        pass


def _setting(load: float, threads: int) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{psutil.cpu_count()}-core {platform.machine().replace('_', '-')}, no GPU",
        "load_at_start": round(load, 1),
        "torch": torch.__version__,
        "threads": threads,
        "batch": 32,
        "classes": 518,
        "embedding": 512,
    }


if __name__ == "__main__":
    main()
