"""``python -m benchmarks.faults``: run the suite, print and write its report. What was done before is kept."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.held_out import HELD_OUT
from benchmarks.faults.report import report
from benchmarks.faults.starters import HEALTHY
from benchmarks.faults.suite import catalogue, performed, read, tasks
from benchmarks.faults.trial import LIKELY, Row

SHORT = (
    *("healthy/default", "healthy/warm-up", "input.range/0-255", "weights.missing/low-rank"),
    *("head.not_training/lr", "sampling.single_class/sorted", "labels.shuffled/folders"),
)


def main() -> int:
    asked = _asked()
    asked.home.mkdir(parents=True, exist_ok=True)
    done = {(row["name"], row["data"], row["seed"]) for row in read(asked.out)}
    planned = tasks(_names(asked), asked.data, asked.seeds, asked.home, asked.thorough_seeds)
    wanted = [one for one in planned if one.key not in done and (one.recorded or not asked.recorded)]
    print(f"{len(wanted)} trials to do, {len(done)} done before", flush=True)
    began = time.monotonic()
    for number, row in enumerate(performed(wanted, asked.jobs), start=1):
        with asked.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{number}/{len(wanted)} {time.monotonic() - began:.0f} s  {_line(row)}", flush=True)
    if asked.report:
        _write_report(asked)
    return 0


def _write_report(asked: argparse.Namespace) -> None:
    held_out = {one.name for one in HELD_OUT}
    rows = read(asked.out)
    suite, kept_apart = (
        [row for row in rows if (row["name"] in held_out) == apart] for apart in (False, True)
    )
    page = report(suite, kept_apart, catalogue(), f"python -m benchmarks.faults --seeds {asked.seeds}")
    asked.report.write_text(page, encoding="utf-8")
    print(page)


def _names(asked: argparse.Namespace) -> list[str]:
    chosen = [one.name for one in (HELD_OUT if asked.held_out else (*FAULTS, *HEALTHY))]
    if asked.only:
        return [name for name in chosen if any(name.startswith(one) for one in asked.only)]
    return list(SHORT) if asked.short else chosen


def _line(row: Row) -> str:
    """One trial in a line of the terminal."""
    told = row["run"]
    last = row["with_probes"] or row["with_preflight"]["end_causes"]
    causes = " ".join(f"{name} {sure:.2f}" for name, sure in last[:3])
    fix = row.get("fix", {})
    mended = f"; {fix.get('kind')} {'recovers' if fix.get('recovered') else 'FAILS'}" if fix else ""
    first = next((name for name, sure in last if row["group"] == "fault" or sure >= LIKELY), "")
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
    parser.add_argument("--thorough-seeds", type=int, default=1, help="seeds with probes and fixes")
    parser.add_argument("--only", nargs="+", metavar="ID", help="faults whose name starts so")
    parser.add_argument("--data", nargs="+", choices=["synthetic", "faces"], default=["synthetic", "faces"])
    parser.add_argument("--recorded", action="store_true", help="only what was run before, by today's rules")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "edgeft-faults")
    parser.add_argument("--out", type=Path, help="rows of JSON; trials that it holds are not done again")
    parser.add_argument("--report", type=Path, help="write the page here, from all rows of --out")
    asked = parser.parse_args()
    asked.out = asked.out or asked.home / "rows.jsonl"
    return asked


if __name__ == "__main__":
    sys.exit(main())
