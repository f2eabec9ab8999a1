"""What many eyes cost: sessions on one running job, a long list of runs, one very long run. Prints JSON.

python benchmarks/load.py [--sessions 20] [--runs 200] [--steps 5000000] [--seconds 60]

A job trains; its steps per second are counted without and with the sessions, in alternating legs. Sessions speak
Streamlit's protocol and refresh as open tabs do: most look at the job, some at the list of runs and at the long run.
Everything stays on 127.0.0.1 and ends by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.browser_session import Session
from benchmarks.store_batches import setting
from benchmarks.store_views import write
from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ENDED, RunState
from edgeft_core.presets import smoke
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog, open_metrics_reader
from edgeft_core.store.processes import current_process
from tests.browser.conftest import free_port, kill_tree

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 300.0


def endless() -> RunConfig:
    """Steps on cached embeddings, the fastest there are, for as long as the benchmark takes."""
    stage = {"stages.0.epochs": 10_000, "stages.0.patience_epochs": 10_000}
    return with_values(smoke(), {**stage, "monitor.validate_every_epochs": 500, "backbone.weights": "none"})


def fill_catalog(home: Home, runs: int, steps: int) -> str:
    """So many finished runs, one of them so long; its id."""
    me = replace(current_process(), pid=1, host="elsewhere")
    with closing(open_catalog(home.catalog_url)) as catalog:
        for number in range(runs):
            run_id = f"old{number:05d}"
            catalog.add_run(run_id, f"run {number}", smoke())
            catalog.claim_run(run_id, me)
            catalog.move_run(run_id, RunState.RUNNING)
            summary = {
                "step": 1000,
                "steps_total": 1000,
                "n_classes": 40,
                "metrics": {"loss": 1.0, "top1": 0.5},
            }
            catalog.heartbeat(run_id, summary)
            catalog.move_run(run_id, RunState.FINISHED)
    path = home.metrics_file("old00000")
    path.parent.mkdir(parents=True)
    write(path, steps)
    return "old00000"


@contextmanager
def server(home: Home) -> Iterator[tuple[int, int]]:
    """Port and process number of an app of its own."""
    port = free_port()
    options = ["--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType", "none"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", *options],
        cwd=ROOT,
        env={**os.environ, "EDGEFT_HOME": str(home.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        yield port, process.pid
    finally:
        kill_tree(process)


def last_step(home: Home, run_id: str) -> int:
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        return reader.last_step()


def steps_per_s(home: Home, run_id: str, seconds: float) -> float:
    """Of the job, over so many seconds."""
    first, begun = last_step(home, run_id), time.perf_counter()
    time.sleep(seconds)
    return (last_step(home, run_id) - first) / (time.perf_counter() - begun)


def visitors(port: int, count: int, job: str, long_run: str) -> list[Session]:
    """Of ten sessions seven look at the job, two at the long run, one at the list."""
    pages = [("live", job)] * 7 + [("live", long_run)] * 2 + [("runs", "")]
    return [Session(port, *pages[number % len(pages)]) for number in range(count)]


def crowd(sessions: list[Session], seconds: float) -> tuple[threading.Event, list[threading.Thread]]:
    over = threading.Event()
    threads = [threading.Thread(target=one.look, args=(seconds, over), daemon=True) for one in sessions]
    for thread in threads:
        thread.start()
    return over, threads


def spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    found = np.array(values)
    return {
        "count": len(values),
        "median_s": round(float(np.median(found)), 3),
        "p95_s": round(float(np.quantile(found, 0.95)), 3),
        "worst_s": round(float(found.max()), 3),
    }


def measure(home: Home, asked: argparse.Namespace) -> dict[str, Any]:
    long_run = fill_catalog(home, asked.runs, asked.steps)
    job = jobs.launch(home, endless(), name="the job").id
    deadline = time.monotonic() + START_TIMEOUT_S
    while last_step(home, job) < 50:
        if time.monotonic() > deadline:
            raise SystemExit("the job did not begin to train")
        time.sleep(0.2)
    alone, watched, seen = [], [], list[Session]()
    with server(home) as (port, pid):
        for _ in range(asked.legs):
            alone.append(steps_per_s(home, job, asked.seconds / 2))
            sessions = visitors(port, asked.sessions, job, long_run)
            over, threads = crowd(sessions, asked.seconds * 3)
            waited = time.monotonic() + START_TIMEOUT_S
            while any(not one.opened_s for one in sessions) and time.monotonic() < waited:
                time.sleep(0.1)
            watched.append(steps_per_s(home, job, asked.seconds))
            over.set()
            for thread in threads:
                thread.join(150)
            seen += sessions
        server_mb = psutil.Process(pid).memory_info().rss / 1e6
    control.stop(home, job)
    with closing(open_catalog(home.catalog_url)) as catalog:
        while catalog.run(job).state not in ENDED:
            time.sleep(0.2)
    return {
        "steps_per_s_alone": [round(one, 1) for one in alone],
        "steps_per_s_watched": [round(one, 1) for one in watched],
        "slowdown_percent": round(100 * (1 - np.median(watched) / np.median(alone)), 1),
        "opened": {
            what: spread([one.opened_s for one in seen if one.run_id == run])
            for what, run in (("the job", job), ("the long run", long_run), ("the list", ""))
        },
        "refreshed": spread([seconds for one in seen for seconds in one.refreshed_s]),
        "received_mb": round(sum(one.received_bytes for one in seen) / 1e6, 1),
        "server_mb": round(server_mb),
        "problems": sorted({problem for one in seen for problem in one.problems}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--steps", type=int, default=5_000_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--legs", type=int, default=3)
    asked = parser.parse_args()
    where = setting()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Home(Path(folder) / "home").ensure(), asked)
    print(json.dumps({"benchmark": "load", **where, "asked": vars(asked), **found}, indent=2))


if __name__ == "__main__":
    main()
