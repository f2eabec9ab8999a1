"""``python -m benchmarks.faults``: run the suite, print and write its report. What was done before is kept."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
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
from benchmarks.faults.trial import Row, trial

FIRST_SEED = 11
SHORT = (
    *("healthy/default", "healthy/warm-up", "input.range/0-255", "weights.missing/low-rank"),
    *("head.not_training/lr", "sampling.single_class/sorted", "labels.shuffled/folders"),
)


@dataclass(frozen=True)
class Task:
    """One trial, by name: what another process needs."""

    name: str
    kind: Kind
    seed: int
    home: Path

    @property
    def key(self) -> tuple[str, str, int]:
        return self.name, self.kind, self.seed


def catalogue() -> dict[str, Fault]:
    """Every fault and every healthy run by name."""
    return {one.name: one for one in (*FAULTS, *HEALTHY, *HELD_OUT)}


def tasks(names: Sequence[str], kinds: Sequence[Kind], seeds: int, home: Path) -> Iterator[Task]:
    """Seed by seed, so that an interrupted suite has seen everything once."""
    known = catalogue()
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for name in names:
            for kind in kinds:
                if kind in known[name].on:
                    yield Task(name, kind, seed, home)


def perform(task: Task) -> Row:
    import torch  # noqa: PLC0415 - in the process that needs it

    torch.set_num_threads(1)
    began = time.monotonic()
    work = task.home / f"work-{os.getpid()}"
    row = trial(catalogue()[task.name], Ground(task.kind, task.seed, task.home), work)
    return {**row, "wall_s": round(time.monotonic() - began, 1)}


def main() -> int:
    asked = _asked()
    asked.home.mkdir(parents=True, exist_ok=True)
    done = {(row["name"], row["data"], row["seed"]) for row in read(asked.out)}
    wanted = [one for one in tasks(_names(asked), asked.data, asked.seeds, asked.home) if one.key not in done]
    print(f"{len(wanted)} trials to do, {len(done)} done before", flush=True)
    began = time.monotonic()
    for number, row in enumerate(_performed(wanted, asked.jobs), start=1):
        with asked.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{number}/{len(wanted)} {time.monotonic() - began:.0f} s  {_line(row)}", flush=True)
    return 0


def read(path: Path) -> list[Row]:
    """Rows of an earlier suite; a line that was cut off by its end is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def _performed(wanted: Sequence[Task], jobs: int) -> Iterator[Row]:
    if jobs == 1:
        yield from map(perform, wanted)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for one in as_completed([pool.submit(perform, task) for task in wanted]):
            yield one.result()


def _names(asked: argparse.Namespace) -> list[str]:
    if asked.only:
        return [name for name in catalogue() if any(name.startswith(one) for one in asked.only)]
    if asked.short:
        return list(SHORT)
    chosen = HELD_OUT if asked.held_out else (*FAULTS, *HEALTHY)
    return [one.name for one in chosen]


def _line(row: Row) -> str:
    """One trial in a line of the terminal."""
    told = row["run"]
    causes = " ".join(f"{name} {sure:.2f}" for name, sure in row["with_probes"][:3])
    fix = row.get("fix", {})
    mended = f"; {fix.get('kind')} {'recovers' if fix.get('recovered') else 'FAILS'}" if fix else ""
    first = next((name for name, _ in row["with_probes"]), "")
    mark = " " if first in row["right"] else "!"
    return (
        f"{mark} {row['name']} {row['data']} {row['seed']}: {told['alarm'] or 'no alarm'} at {told['alarm_step']}, "
        f"end {told['end']}; {causes}{mended} ({row['wall_s']} s)"
    )


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a handful of faults and healthy runs")
    parser.add_argument("--held-out", action="store_true", help="the variants that no rule was tuned on")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="ID", help="faults whose name starts so")
    parser.add_argument(
        "--data", nargs="+", choices=["synthetic", "faces"], default=["synthetic", "faces"]
    )
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "edgeft-faults")
    parser.add_argument("--out", type=Path, help="rows of JSON; trials that it holds are not done again")
    asked = parser.parse_args()
    asked.out = asked.out or asked.home / "rows.jsonl"
    return asked


if __name__ == "__main__":
    sys.exit(main())
