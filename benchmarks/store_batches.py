"""Batches for the store's benchmarks: 40 scalars, 32 images, 518 classes, drawn once and used again and again."""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.events import BatchDone

KEYS = tuple(name for name in SIGNALS if not name.startswith(("val_", "test_")))[:40]
SHOWN = KEYS[:10]
CLASSES, IMAGES = 518, 32
_DRAWN = 2_000


def batches(steps: int, *, first: int = 1) -> Iterator[BatchDone]:
    """``steps`` batches in a row. Predictions are uniform: the worst case for sparse counts."""
    rng = np.random.default_rng(0)
    scalars = [dict(zip(KEYS, row, strict=True)) for row in rng.normal(size=(_DRAWN, len(KEYS))).tolist()]
    predicted = rng.integers(0, CLASSES, (_DRAWN, IMAGES))
    labels = rng.integers(0, CLASSES, (_DRAWN, IMAGES))
    for step in range(first, first + steps):
        drawn = step % _DRAWN
        yield BatchDone(step, 0, step / 1000, scalars[drawn], predicted[drawn], labels[drawn])


def in_chunks(events: Iterator[BatchDone], size: int) -> Iterator[list[BatchDone]]:
    """As many batches at once as one flush writes."""
    while chunk := list(islice(events, size)):
        yield chunk


def now() -> datetime:
    return datetime.now(UTC)


def setting() -> dict[str, Any]:
    """When and where: what every result carries."""
    load = psutil.getloadavg()[0]
    return {
        "date": now().date().isoformat(),
        "machine": f"{psutil.cpu_count()}-core {platform.machine().replace('_', '-')}, no GPU",
        "load_at_start": round(load, 1),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "keys": len(KEYS),
        "classes": CLASSES,
        "images_per_batch": IMAGES,
    }
