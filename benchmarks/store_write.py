"""What recording costs per batch, in the recorder's thread. Prints JSON.

python benchmarks/store_write.py [--steps 20000]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.store_batches import CLASSES as N_CLASSES
from benchmarks.store_batches import batches, in_chunks, now, setting
from edgeft_core.store import open_metrics_writer


def measure(folder: Path, steps: int, per_flush: int) -> dict[str, Any]:
    """Microseconds of ``add_batch`` and of its share of ``flush``."""
    path = folder / f"{per_flush}.sqlite"
    writer = open_metrics_writer(path, N_CLASSES)
    adds: list[float] = []
    flushes: list[float] = []
    at = now()
    for chunk in in_chunks(batches(steps), per_flush):
        for event in chunk:
            begun = time.perf_counter()
            writer.add_batch(event, at=at, epoch_total=event.epoch)
            adds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        writer.flush()
        flushes.append(time.perf_counter() - begun)
    writer.close()
    return {
        "batches_per_flush": per_flush,
        "add_us_median": round(1e6 * float(np.median(adds)), 1),
        "add_us_p99": round(1e6 * float(np.quantile(adds, 0.99)), 1),
        "flush_ms_median": round(1e3 * float(np.median(flushes)), 3),
        "flush_ms_p99": round(1e3 * float(np.quantile(flushes, 0.99)), 3),
        "all_us_per_batch": round(1e6 * (sum(adds) + sum(flushes)) / steps, 1),
        "bytes_per_batch": round(path.stat().st_size / steps),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(Path(folder), steps // share, size) for size, share in ((1, 10), (25, 1), (250, 1))]
    print(json.dumps({"benchmark": "store_write", **setting(), "steps": steps, "results": rows}, indent=2))


if __name__ == "__main__":
    main()
