"""Reading predicted classes: counts over time, and over the latest images."""

from __future__ import annotations

import sqlite3
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeft_core.store.contract import HistogramView
from edgeft_core.store.metrics import counts
from edgeft_core.store.metrics.buckets import column_shift, cover, level_for
from edgeft_core.store.metrics.contents import LOWEST_PREDICTION_LEVEL
from edgeft_core.store.metrics.series import within

Counts = npt.NDArray[np.int32]


def class_count(connection: sqlite3.Connection) -> int:
    """How many classes the run has."""
    return int(connection.execute("SELECT n_classes FROM classes").fetchone()[0])


def read_histograms(
    connection: sqlite3.Connection, first: int, last: int | None, columns: int
) -> HistogramView:
    """Counts per class in at most ``columns`` columns; reads the same whatever the run's length."""
    n_classes = class_count(connection)
    begin, end = within(connection, "prediction_rows", first, last)
    if end < begin:
        return empty_histograms(n_classes)
    shift = column_shift(begin, end, columns)
    level = level_for(shift, LOWEST_PREDICTION_LEVEL)
    base = begin >> shift
    grid = _Grid((end >> shift) - base + 1, n_classes)
    for run in cover(begin, end, level, LOWEST_PREDICTION_LEVEL):
        if run.level == 0:
            query = "SELECT * FROM prediction_rows WHERE step BETWEEN ? AND ? ORDER BY step"
            rows = connection.execute(query, (run.begin, run.end - 1))
            for column, group in groupby(rows, key=lambda row: (row[0] >> shift) - base):
                steps, predicted, labels = zip(*group, strict=True)
                grid.add_ids(column, steps[-1], b"".join(predicted), b"".join(labels))
        else:
            query = (
                "SELECT last_step, predicted, labels FROM prediction_buckets WHERE address BETWEEN ? AND ?"
            )
            for step, *blobs in connection.execute(f"{query} ORDER BY address", run.addresses):
                grid.add_pairs((step >> shift) - base, step, *blobs)
    return grid.view()


def read_window(connection: sqlite3.Connection, images: int) -> tuple[Counts, Counts, int]:
    """(predicted per class, labels per class, images) over the latest ``images`` predictions."""
    n_classes = class_count(connection)
    size = counts.id_type(n_classes).itemsize
    predicted: list[bytes] = []
    labels: list[bytes] = []
    missing = images * size
    for guess, truth in connection.execute(
        "SELECT predicted, labels FROM prediction_rows ORDER BY step DESC"
    ):
        if missing <= 0:
            break
        predicted.append(guess[-missing:])
        labels.append(truth[-missing:])
        missing -= len(guess)
    guesses = counts.unpack_ids(b"".join(predicted), n_classes)
    truths = counts.unpack_ids(b"".join(labels), n_classes)
    return _bins(guesses, n_classes), _bins(truths, n_classes), len(guesses)


def empty_histograms(n_classes: int = 0) -> HistogramView:
    """A view of nothing."""
    none = np.zeros((0, n_classes), np.int32)
    return HistogramView(np.zeros(0, np.int64), none, none)


def _bins(ids: npt.NDArray[np.int64], n_classes: int) -> Counts:
    return np.bincount(ids, minlength=n_classes).astype(np.int32)


class _Grid:
    """Columns x classes, filled from batches and buckets."""

    def __init__(self, columns: int, n_classes: int) -> None:
        self._n_classes = n_classes
        self._step_V = np.full(columns, -1, np.int64)
        self._counts_VC = np.zeros((columns, n_classes), np.int32)
        self._labels_VC = np.zeros((columns, n_classes), np.int32)

    def add_ids(self, column: int, step: int, predicted: bytes, labels: bytes) -> None:
        self._step_V[column] = step
        for target, blob in ((self._counts_VC, predicted), (self._labels_VC, labels)):
            target[column] += _bins(counts.unpack_ids(blob, self._n_classes), self._n_classes)

    def add_pairs(self, column: int, step: int, *blobs: Any) -> None:
        self._step_V[column] = step
        for target, blob in zip((self._counts_VC, self._labels_VC), blobs, strict=True):
            ids, amounts = counts.unpack_pairs(blob, self._n_classes)
            target[column, ids] += amounts.astype(np.int32)

    def view(self) -> HistogramView:
        filled = self._step_V >= 0
        return HistogramView(self._step_V[filled], self._counts_VC[filled], self._labels_VC[filled])
