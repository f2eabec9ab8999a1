"""What a view of a run costs, whatever its length: time to read and bytes to send. Prints JSON.

python benchmarks/store_views.py [--steps 1000 1000000] [--keep FOLDER]

Files are written by the real writer (a million steps take minutes and about 550 MB) and used again where ``--keep``
names a folder that has them.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.store_batches import CLASSES as N_CLASSES
from benchmarks.store_batches import SHOWN, batches, in_chunks, now, setting
from edgeft_core.figures.axis import HorizontalAxis
from edgeft_core.figures.evolution import evolution
from edgeft_core.store import open_metrics_reader, open_metrics_writer
from edgeft_core.store.contract import HistogramView, SeriesView

POINTS, COLUMNS, WINDOW = 750, 120, 1024
REPEATS = 15
_FLUSH = 2_000
_VALIDATE_EVERY = 1_000


def write(path: Path, steps: int) -> float:
    """Record a run; seconds that it took."""
    begun = time.perf_counter()
    writer = open_metrics_writer(path, N_CLASSES)
    at = now()
    for chunk in in_chunks(batches(steps), _FLUSH):
        for event in chunk:
            when = at + timedelta(seconds=event.step / 10)
            writer.add_batch(event, at=when, epoch_total=event.epoch)
            if event.step % _VALIDATE_EVERY == 0:
                writer.add_signals(event.step, {"val_top1": 0.5}, at=when, epoch_total=event.epoch)
        writer.flush()
    writer.close()
    return time.perf_counter() - begun


def look(path: Path, first: int, last: int | None) -> tuple[SeriesView, SeriesView, HistogramView]:
    """Everything that the live page reads at once, with a reader of its own."""
    with open_metrics_reader(path) as reader:
        view = reader.view(SHOWN, first=first, last=last, points=POINTS)
        sparse = reader.sparse(["val_top1"], first=first, last=last)
        histograms = reader.histograms(first=first, last=last, columns=COLUMNS)
        reader.window_counts(WINDOW)
        reader.latest()
    return view, sparse, histograms


def payload_bytes(view: SeriesView, sparse: SeriesView, histograms: HistogramView) -> int:
    """Arrays as base64 of float32: low and high of every key, their positions, and the heat map's 40 rows."""
    shares = evolution(histograms.step_V.astype(float), histograms.counts_VC, [], HorizontalAxis())
    arrays: list[npt.NDArray[Any]] = [
        view.step_V,
        view.last_step_V,
        sparse.step_V,
        shares.x_V,
        shares.share_RV,
    ]
    for one in (view, sparse):
        arrays += [*one.low.values(), *one.high.values()]
    return sum(len(base64.b64encode(np.asarray(array, np.float32).tobytes())) for array in arrays)


def milliseconds(work: Callable[[], Any]) -> dict[str, float]:
    """First call, then the median and the slowest of some more."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - begun))
    rest = times[1:]
    return {
        "first": round(times[0], 1),
        "median": round(float(np.median(rest)), 1),
        "worst": round(max(rest), 1),
    }


def cold_view_ms(path: Path) -> float | None:
    """A view of a file that the system holds nothing of in memory; None where that cannot be arranged."""
    if not hasattr(os, "posix_fadvise"):
        return None
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    begun = time.perf_counter()
    look(path, 0, None)
    return round(1e3 * (time.perf_counter() - begun), 1)


def measure(path: Path, steps: int) -> dict[str, Any]:
    cold = cold_view_ms(path)
    with open_metrics_reader(path) as reader:
        opened = milliseconds(lambda: open_metrics_reader(path).last_step())
        series = milliseconds(lambda: reader.view(SHOWN, points=POINTS))
        histograms = milliseconds(lambda: reader.histograms(columns=COLUMNS))
        window = milliseconds(lambda: reader.window_counts(WINDOW))
    middle = steps // 3
    return {
        "steps": steps,
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "cold_view_ms": cold,
        "whole_view_ms": milliseconds(lambda: look(path, 0, None)),
        "zoomed_view_ms": milliseconds(lambda: look(path, middle, 2 * middle + 7)),
        "payload_kb": round(payload_bytes(*look(path, 0, None)) / 1e3, 1),
        "zoomed_payload_kb": round(payload_bytes(*look(path, middle, 2 * middle + 7)) / 1e3, 1),
        "open_and_last_step_ms": opened,
        "series_ms": series,
        "histograms_ms": histograms,
        "window_ms": window,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    where = setting()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for steps in arguments.steps:
            path = (arguments.keep or Path(temporary)) / f"run-{steps}.sqlite"
            seconds = None if path.exists() else round(write(path, steps), 1)
            memory = round(psutil.Process().memory_info().rss / 1e6)
            rows.append({"written_s": seconds, "memory_after_writing_mb": memory, **measure(path, steps)})
    shape = {"shown_keys": len(SHOWN), "points": POINTS, "columns": COLUMNS}
    print(json.dumps({"benchmark": "store_views", **where, **shape, "results": rows}, indent=2))


if __name__ == "__main__":
    main()
