"""What many eyes cost: sessions on one running job, a long list of runs, one very long run. Prints JSON.

python benchmarks/load.py [--sessions 20] [--runs 200] [--steps 5000000] [--seconds 12] [--legs 5] [--threads 1]
                          [--keep FOLDER]

A job trains: the preset ``recommended`` in its first stage, which lasts, on ``--threads`` threads. Its steps per second
are counted in short legs: while the sessions look, beside one process that only counts (what this machine takes from a
job when another core is busy with anything at all), and while one more opens page after page besides; before and after
each of these, nobody looks. Sessions speak Streamlit's protocol and refresh as open tabs in front do: most look at the
job, some at the list of runs and at the long run. They live in this process, on this machine: ``cores`` says how much
of it the job, the server, the sessions themselves and anything else took (something else spoils the comparison).
Everything stays on 127.0.0.1 and ends by itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

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
from edgeft_core.presets import recommended, smoke
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog, open_metrics_reader
from edgeft_core.store.processes import current_process
from tests.browser.conftest import free_port, kill_tree

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 300.0
_WHOLE = "whole machine"
_BETWEEN_PAGES_S = 1.0
_SETTLING_S = 10.0  # intervals adapt to so many sessions within seconds
_EBBING_S = 1.0  # what was asked last is still answered
_COUNT = "while True: sum(range(10_000))"


def endless(threads: int = 1) -> RunConfig:
    """The default run in its first stage, on cached embeddings, for as long as the benchmark takes.

    Validation, checkpoints and all signals are those of every run. One view is cached instead of two: it is embedded
    during the first epoch, and every later one is alike.
    """
    stage = {"stages.0.epochs": 10_000, "stages.0.patience_epochs": 10_000, "stages.0.cached_views": 1}
    return with_values(recommended(), {**stage, "threads": threads})


def fill_catalog(home: Home, runs: int, steps: int, keep: Path | None) -> str:
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
    written = (keep or home.root) / f"run-{steps}.sqlite"
    if not written.exists():
        write(written, steps)
    os.link(written, path)
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


@contextmanager
def a_busy_core() -> Iterator[None]:
    """A process that computes and touches nothing of ours."""
    process = subprocess.Popen([sys.executable, "-c", _COUNT])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def last_step(home: Home, run_id: str) -> int:
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        return reader.last_step()


def begin_to_train(home: Home, run_id: str, steps: int) -> None:
    """Wait until the job has made so many steps."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while last_step(home, run_id) < steps:
        if time.monotonic() > deadline:
            raise SystemExit("the job did not begin to train")
        time.sleep(0.2)


def steps_per_epoch(home: Home, run_id: str) -> int:
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        return int(reader.facts()["steps_per_epoch"])


def steps_per_s(home: Home, run_id: str, seconds: float) -> float:
    """Of the job, over whole epochs, about so many seconds: a validation more or less must not count."""
    epoch = steps_per_epoch(home, run_id)
    begun = _past(last_step(home, run_id), epoch)
    time.sleep(seconds)
    ended = _past(last_step(home, run_id), epoch)
    begin_to_train(home, run_id, ended)
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        at_s = [float(reader.view(["loss"], first=step, last=step).time_V[0]) for step in (begun, ended)]
    return (ended - begun) / (at_s[1] - at_s[0])


def _past(step: int, epoch: int) -> int:
    """The last step of the epoch in which ``step`` lies."""
    return -(-step // epoch) * epoch


class Cores:
    """How many cores processes took since this was made (1 = one core all the time)."""

    def __init__(self, **pids: int) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._begun_s = time.perf_counter()
        self._before = self._now()

    def taken(self) -> dict[str, float]:
        seconds = time.perf_counter() - self._begun_s
        taken = {name: (now - self._before[name]) / seconds for name, now in self._now().items()}
        taken["anything_else"] = taken.pop(_WHOLE) - sum(taken.values())
        return {name: round(share, 3) for name, share in taken.items()}

    def _now(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        whole = psutil.cpu_times()
        all_of_it = sum(whole) - whole.idle - getattr(whole, "iowait", 0.0) - getattr(whole, "guest", 0.0)
        return {name: one.user + one.system for name, one in times.items()} | {_WHOLE: all_of_it}


def visitors(port: int, count: int, job: str, long_run: str) -> list[Session]:
    """Of ten sessions seven look at the job, two at the long run, one at the list."""
    pages = [("live", job)] * 7 + [("live", long_run)] * 2 + [("runs", "")]
    return [Session(port, *pages[number % len(pages)]) for number in range(count)]


class Newcomer:
    """Opens one page after the other while the others look."""

    def __init__(self, port: int, pages: Mapping[str, tuple[str, str]]) -> None:
        self.opened_s: dict[str, list[float]] = {name: [] for name in pages}
        self._port, self._pages = port, pages

    @contextmanager
    def opening(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._open_pages, args=(over,), daemon=True)
        thread.start()
        yield
        over.set()
        thread.join(150)

    def _open_pages(self, over: threading.Event) -> None:
        for name in itertools.cycle(self._pages):
            if over.wait(_BETWEEN_PAGES_S):
                return
            session = Session(self._port, *self._pages[name])
            session.look(0.0, over)
            self.opened_s[name].append(session.opened_s)


def crowd(sessions: Sequence[Session], seconds: float) -> tuple[threading.Event, list[threading.Thread]]:
    """Everybody begins to look at once."""
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


@dataclass
class Legs:
    """Speeds of the job in turns; each leg stands between two in which nobody looks.

    The speed of a machine changes by a third within minutes, so a leg is compared with its two neighbours alone. What
    the machine does to a leg is more than a few sessions do all the same; how much of a core the job got is steadier.

    Attributes:
        measure: steps per second, and cores of the job.
    """

    measure: Callable[[], tuple[float, float]]
    alone: list[float] = field(default_factory=list)
    cores: dict[str, list[float]] = field(default_factory=dict)
    others: dict[str, list[float]] = field(default_factory=dict)
    lost: dict[str, list[float]] = field(default_factory=dict)

    def take(self, name: str, *circumstances: AbstractContextManager[object]) -> None:
        """One leg under some circumstances, and one alone after it."""
        before = self.alone[-1] if self.alone else self._alone()
        with ExitStack() as stack:
            for one in circumstances:
                stack.enter_context(one)
            speed = self._leg(name)
        self.others.setdefault(name, []).append(speed)
        self.lost.setdefault(name, []).append(100 * (1 - 2 * speed / (before + self._alone())))

    def _alone(self) -> float:
        self.alone.append(self._leg("alone"))
        return self.alone[-1]

    def _leg(self, name: str) -> float:
        speed, cores = self.measure()
        self.cores.setdefault(name, []).append(cores)
        return speed

    def told(self) -> dict[str, Any]:
        """Steps per second, and the percent that were lost: median and each."""
        rounded = {name: [round(one, 1) for one in values] for name, values in self.others.items()}
        lost = {
            name: {"median": round(statistics.median(values), 1), "each": [round(one, 1) for one in values]}
            for name, values in self.lost.items()
        }
        return {
            "steps_per_s": {"alone": [round(one, 1) for one in self.alone], **rounded},
            "slowdown_percent": lost,
            "cores_of_the_job": {
                name: round(statistics.median(each), 3) for name, each in self.cores.items()
            },
        }


class Crowd:
    """Everybody who looks, all at once from the beginning; between the legs their tabs are in the background."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = sessions

    def __enter__(self) -> Self:
        self._over, self._threads = crowd(self.sessions, math.inf)
        until = time.monotonic() + START_TIMEOUT_S
        while any(not one.opened_s for one in self.sessions) and time.monotonic() < until:
            time.sleep(0.1)
        self._rest()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(150)

    @contextmanager
    def looking(self, cores: Callable[[], Cores], taken: list[dict[str, float]]) -> Iterator[None]:
        """Everybody looks, and the pages have found their pace; what was before does not count."""
        counted = [(len(one.refreshed_s), len(one.between_s)) for one in self.sessions]
        for one in self.sessions:
            one.resting.clear()
        time.sleep(_SETTLING_S)
        for one, (refreshed, between) in zip(self.sessions, counted, strict=True):
            del one.refreshed_s[refreshed:], one.between_s[between:]
        measured = cores()
        yield
        taken.append(measured.taken())
        self._rest()
        time.sleep(_EBBING_S)

    def _rest(self) -> None:
        for one in self.sessions:
            one.resting.set()


def measure(home: Home, asked: argparse.Namespace) -> dict[str, Any]:
    long_run = fill_catalog(home, asked.runs, asked.steps, asked.keep)
    job = jobs.launch(home, endless(asked.threads), name="the job").id
    begin_to_train(home, job, 1)
    begin_to_train(home, job, 3 * steps_per_epoch(home, job))
    with closing(open_catalog(home.catalog_url)) as catalog:
        worker = catalog.run(job).worker
    assert worker is not None
    pages = {"the job": ("live", job), "the long run": ("live", long_run), "the list": ("runs", "")}

    def one_leg() -> tuple[float, float]:
        cores = Cores(job=worker.pid)
        return steps_per_s(home, job, asked.seconds), cores.taken()["job"]

    legs = Legs(one_leg)
    taken: list[dict[str, float]] = []
    with server(home) as (port, pid):

        def cores() -> Cores:
            return Cores(job=worker.pid, server=pid, sessions=os.getpid())

        newcomer = Newcomer(port, pages)
        with Crowd(visitors(port, asked.sessions, job, long_run)) as crowd:
            for _ in range(asked.legs):
                legs.take("watched", crowd.looking(cores, taken))
                legs.take("beside_a_busy_core", a_busy_core())
                legs.take("watched_while_pages_open", crowd.looking(cores, []), newcomer.opening())
        server_mb = psutil.Process(pid).memory_info().rss / 1e6
    control.stop(home, job)
    with closing(open_catalog(home.catalog_url)) as catalog:
        while catalog.run(job).state not in ENDED:
            time.sleep(0.2)
    seen = crowd.sessions
    return {
        **legs.told(),
        "cores_watched": taken,
        "opened_while_all_look": {name: spread(seconds) for name, seconds in newcomer.opened_s.items()},
        "opened_all_at_once": spread([one.opened_s for one in seen]),
        "refreshed": spread([seconds for one in seen for seconds in one.refreshed_s]),
        "between_refreshes": spread([seconds for one in seen for seconds in one.between_s]),
        "received_mb": round(sum(one.received_bytes for one in seen) / 1e6, 1),
        "server_mb": round(server_mb),
        "problems": sorted({problem for one in seen for problem in one.problems}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--steps", type=int, default=5_000_000)
    parser.add_argument("--seconds", type=float, default=12.0, help="of one leg")
    parser.add_argument("--legs", type=int, default=5, help="of each kind")
    parser.add_argument("--threads", type=int, default=1, help="of the job; 0 leaves the choice to torch")
    parser.add_argument("--keep", type=Path, help="folder that has, or gets, the long run")
    asked = parser.parse_args()
    where = setting()
    with tempfile.TemporaryDirectory(dir=asked.keep) as folder:
        found = measure(Home(Path(folder) / "home").ensure(), asked)
    said = {name: value for name, value in vars(asked).items() if name != "keep"}
    print(json.dumps({"benchmark": "load", **where, "asked": said, **found}, indent=2))


if __name__ == "__main__":
    main()
