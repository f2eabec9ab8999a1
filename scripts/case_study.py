"""The case study: measure it, and write its tables and figures.

``measure`` takes about half an hour on one core of a quiet machine and goes on where it was interrupted; ``write``
takes seconds and needs nothing but the kept measurement.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.case_study.document import RESULTS, newest, write
from benchmarks.case_study.grid import Study
from benchmarks.case_study.measuring import measure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("measure", "write"))
    parser.add_argument("--result", type=Path, help="file of the measurement; the newest one where left out")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "edgeft-case-study")
    parser.add_argument("--faces", type=Path, help="folder of the AT&T faces; without it they are left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument(
        "--only", nargs="*", default=[], help="first_look, grid, knobs, invariance, pull_only"
    )
    asked = parser.parse_args()
    if asked.part == "write":
        write(asked.result or newest())
        return
    asked.work.mkdir(parents=True, exist_ok=True)
    measure(
        Study(asked.work, seeds=tuple(asked.seeds), photographs=asked.faces),
        out=asked.result or RESULTS / f"{datetime.now(UTC).date().isoformat()}-case-study.json",
        tell=lambda words: print(words, flush=True),
        only=frozenset(asked.only),
    )


if __name__ == "__main__":
    main()
