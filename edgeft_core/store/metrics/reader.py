"""Reading a run's metrics while it is written: read-only, from any process and thread."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from edgeft_core.errors import HomeError
from edgeft_core.events import SampleSet, SamplesTaken
from edgeft_core.store.contract import HistogramView, SeriesView
from edgeft_core.store.faults import is_damaged, told_plainly
from edgeft_core.store.metrics import layout, predictions, series
from edgeft_core.store.metrics.samples import unpack_samples

T = TypeVar("T")
Window = tuple[predictions.Counts, predictions.Counts, int]


class SqliteMetricsReader:
    """The ``MetricsReader`` contract.

    Threads may share one; their calls take turns. Each call sees one moment of the run. Close it soon: on Windows an
    open file cannot be deleted. A damaged file reads as empty, and ``problem`` then says so in a sentence.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self.problem = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def last_step(self) -> int:
        """0 before the first step."""
        return max(0, self._ask(lambda c: series.last_step(c, "batch_rows"), 0))

    def keys(self) -> tuple[str, ...]:
        """Those of every batch, then the others."""
        return tuple(dict.fromkeys((*self.batch_keys(), *self.signal_keys())))

    def batch_keys(self) -> tuple[str, ...]:
        return self._ask(lambda c: series.stored_keys(c, "batch"), ())

    def signal_keys(self) -> tuple[str, ...]:
        return self._ask(lambda c: series.stored_keys(c, "signal"), ())

    def n_classes(self) -> int:
        """0 before the file is there."""
        return self._ask(predictions.class_count, 0)

    def view(
        self, keys: Sequence[str], *, first: int = 0, last: int | None = None, points: int = 750
    ) -> SeriesView:
        return self._ask(
            lambda c: series.read_view(c, "batch", keys, first, last, points), series.empty_view(keys)
        )

    def sparse(
        self, keys: Sequence[str], *, first: int = 0, last: int | None = None, points: int = 1500
    ) -> SeriesView:
        return self._ask(
            lambda c: series.read_view(c, "signal", keys, first, last, points), series.empty_view(keys)
        )

    def histograms(self, *, first: int = 0, last: int | None = None, columns: int = 120) -> HistogramView:
        return self._ask(
            lambda c: predictions.read_histograms(c, first, last, columns), predictions.empty_histograms()
        )

    def window_counts(self, images: int) -> Window:
        nothing = np.zeros(0, np.int32), np.zeros(0, np.int32), 0
        return self._ask(lambda c: predictions.read_window(c, images), nothing)

    def tail(self, keys: Sequence[str], rows: int) -> SeriesView:
        return self._ask(lambda c: series.read_tail(c, "batch", keys, rows), series.empty_view(keys))

    def latest(self) -> Mapping[str, float]:
        query = "SELECT key, value FROM latest"
        return self._ask(lambda c: {key: float(value) for key, value in c.execute(query)}, {})

    def samples(self, split: SampleSet) -> SamplesTaken | None:
        query = "SELECT step, body FROM samples WHERE split = ?"
        row = self._ask(lambda c: c.execute(query, (split,)).fetchone(), None)
        return None if row is None else unpack_samples(split, *row)

    def facts(self) -> Mapping[str, Any]:
        query = "SELECT name, value FROM facts"
        return self._ask(lambda c: {name: json.loads(value) for name, value in c.execute(query)}, {})

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _ask(self, question: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        """The answer in one read transaction; ``nothing`` for a file that is absent, empty or damaged."""
        with self._lock:
            try:
                with told_plainly("metrics", self._path):
                    if self._connection is None:
                        self._connection = layout.open_for_reading(self._path)
                    if self._connection is None:
                        return nothing
                    return self._in_transaction(self._connection, question)
            except HomeError as error:
                if error.__cause__ is None or not is_damaged(error.__cause__):
                    raise
                self._note_damage(error.__cause__)
                return nothing

    @staticmethod
    def _in_transaction(connection: sqlite3.Connection, question: Callable[[sqlite3.Connection], T]) -> T:
        connection.execute("BEGIN")
        try:
            return question(connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _note_damage(self, error: BaseException) -> None:
        self.problem = (
            f"The recorded metrics of this run ({self._path}) are damaged: {error}. Its checkpoints and its log are "
            "untouched; other runs are not affected."
        )
