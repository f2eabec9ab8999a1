"""Does anything grow? One job, some visitors, an hour: memory of server and worker every half minute. Prints JSON.

python benchmarks/soak.py [--minutes 60] [--sessions 5]

The first fifth is warming up. Of the rest a straight line is fitted; ``mb_per_hour`` is its slope.
Visitors come and go every two minutes, as tabs do, on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load import begin_to_train, crowd, endless, last_step, server, visitors
from benchmarks.store_batches import setting
from edgeft_core import jobs
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ENDED
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog

LOOK_EVERY_S = 30.0
VISIT_S = 120.0


def memory_mb(pid: int) -> float:
    """Of a process and its children."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return float(sum(one.memory_info().rss for one in family)) / 1e6


def trend(seconds: list[float], values: list[float]) -> dict[str, float]:
    """Slope and largest of what was measured after the warm-up."""
    skip = len(values) // 5
    slope = float(np.polyfit(seconds[skip:], values[skip:], 1)[0]) if len(values) - skip > 2 else float("nan")
    return {
        "first_mb": round(values[skip], 1),
        "last_mb": round(values[-1], 1),
        "largest_mb": round(max(values), 1),
        "mb_per_hour": round(3600 * slope, 1),
    }


def soak(home: Home, minutes: float, sessions: int) -> dict[str, Any]:
    job = jobs.launch(home, endless(), name="soak").id
    begin_to_train(home, job, 50)
    at, of_server, of_worker = [], [], []
    with closing(open_catalog(home.catalog_url)) as catalog, server(home) as (port, pid):
        worker = catalog.run(job).worker
        assert worker is not None
        begun = time.monotonic()
        over, threads = crowd(visitors(port, sessions, job, job), VISIT_S)
        while time.monotonic() - begun < 60 * minutes:
            time.sleep(LOOK_EVERY_S)
            at.append(time.monotonic() - begun)
            of_server.append(memory_mb(pid))
            of_worker.append(memory_mb(worker.pid))
            if not any(thread.is_alive() for thread in threads):
                over, threads = crowd(visitors(port, sessions, job, job), VISIT_S)
        over.set()
        for thread in threads:
            thread.join(150)
        control.stop(home, job)
        while catalog.run(job).state not in ENDED:
            time.sleep(0.2)
    return {"steps": last_step(home, job), "server": trend(at, of_server), "worker": trend(at, of_worker)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--sessions", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(Home(Path(folder) / "home").ensure(), asked.minutes, asked.sessions)
    print(json.dumps({"benchmark": "soak", **setting(), "asked": vars(asked), **found}, indent=2))


if __name__ == "__main__":
    main()
