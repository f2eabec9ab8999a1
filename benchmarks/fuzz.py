"""Thousands of made-up cases of everything that users, files and databases may throw at EdgeFT. Prints their number.

python benchmarks/fuzz.py [--cases 2000] [--only "weight files"] [--seed 1] [--minutes 4]

A target that has used its minutes tries no more cases; only those that were tried are counted. A case passes if EdgeFT
does what was asked or says in a sentence why not; anything else is shrunk by hypothesis to the smallest case that shows
it, printed, and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeft_core.jobs import dispatcher
from edgeft_core.settings import Home
from tests.fuzzing import TARGETS, check


def nobody(home: Home) -> None:
    """Made-up runs wait; they are not trained."""


def attack(name: str, cases: int, number: int, minutes: float) -> dict[str, object]:
    """So many cases of one target: how many were tried, in how many seconds, and whether one failed."""
    tried = 0
    begun = time.perf_counter()

    @seed(number)
    @settings(max_examples=cases, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(TARGETS[name][0])
    def one(case: object) -> None:
        nonlocal tried
        if time.perf_counter() - begun > 60 * minutes:
            return
        tried += 1
        check(name, case)

    failed = False
    try:
        one()
    except Exception:
        traceback.print_exc()
        failed = True
    return {"cases": tried, "failed": failed, "seconds": round(time.perf_counter() - begun, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--only", choices=sorted(TARGETS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="for each target")
    asked = parser.parse_args()
    dispatcher.ensure = nobody
    names = [asked.only] if asked.only else list(TARGETS)
    found = {name: attack(name, asked.cases, asked.seed, asked.minutes) for name in names}
    total = sum(int(str(one["cases"])) for one in found.values())
    print(json.dumps({"total_cases": total, "seed": asked.seed, "targets": found}, indent=2))
    return int(any(one["failed"] for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
