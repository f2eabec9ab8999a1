"""Trials by name, one after another or in several processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.fault import Fault
from benchmarks.faults.ground import Ground, Kind
from benchmarks.faults.held_out import HELD_OUT
from benchmarks.faults.starters import HEALTHY
from benchmarks.faults.trial import Row, Trial, record_of

FIRST_SEED = 11


@dataclass(frozen=True)
class Task:
    """One trial, by name: what another process needs."""

    name: str
    kind: Kind
    seed: int
    home: Path
    thorough: bool = True

    @property
    def recorded(self) -> bool:
        """Whether it was run before."""
        return record_of(self.home, self.name, self.kind, self.seed).exists()

    @property
    def key(self) -> tuple[str, str, int]:
        return self.name, self.kind, self.seed


def catalogue() -> dict[str, Fault]:
    """Every fault and every healthy run by name."""
    return {one.name: one for one in (*FAULTS, *HEALTHY, *HELD_OUT)}


def tasks(
    names: Sequence[str], kinds: Sequence[Kind], seeds: int, home: Path, thorough_seeds: int
) -> Iterator[Task]:
    """Seed by seed, so that an interrupted suite has seen everything once."""
    known = catalogue()
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for name in names:
            for kind in kinds:
                if kind in known[name].on:
                    yield Task(name, kind, seed, home, thorough=seed < FIRST_SEED + thorough_seeds)


def perform(task: Task) -> Row:
    import torch  # noqa: PLC0415 - in the process that needs it

    torch.set_num_threads(1)
    began = time.monotonic()
    work = task.home / f"work-{os.getpid()}"
    ground = Ground(task.kind, task.seed, task.home)
    row = Trial(catalogue()[task.name], ground, work, thorough=task.thorough).row()
    return {**row, "wall_s": round(time.monotonic() - began, 1)}


def read(path: Path) -> list[Row]:
    """Rows of an earlier suite; a line that was cut off by its end is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def performed(wanted: Sequence[Task], jobs: int) -> Iterator[Row]:
    if jobs == 1:
        yield from map(perform, wanted)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for one in as_completed([pool.submit(perform, task) for task in wanted]):
            yield one.result()
