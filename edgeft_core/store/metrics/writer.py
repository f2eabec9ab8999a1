"""Writing a run's metrics: one thread of one process, many batches per transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from edgeft_core.events import BatchDone, SamplesTaken
from edgeft_core.store.faults import told_plainly
from edgeft_core.store.metrics import counts, layout
from edgeft_core.store.metrics.contents import ClassCounts, Extremes, PredictionCodec, SeriesCodec
from edgeft_core.store.metrics.samples import pack_samples
from edgeft_core.store.metrics.track import Track
from edgeft_core.store.metrics.vectors import FLOAT, KeyOrder, Vector, lengthened
from edgeft_core.store.schema import plain

_LOOK_BACK_ROWS = 10_000  # how far truncation searches for the last value of a key that is not in every row


class SqliteMetricsWriter:
    """The ``MetricsWriter`` contract.

    Belongs to the thread that made it. Everything is kept in memory until ``flush``, which writes it in one
    transaction: after a crash the file holds whole flushes, roll-ups included. A flush that fails (full disk) keeps
    what it had, so that it may be tried again.
    """

    def __init__(self, path: Path, n_classes: int) -> None:
        self._path = path
        self._n_classes = n_classes
        with told_plainly("metrics", path):
            self._connection = layout.open_for_writing(path, n_classes)
            self._orders = {track: KeyOrder(self._stored_keys(track)) for track in layout.TRACKS}
            self._series: dict[str, Track[Extremes]] = {
                track: Track(self._connection, SeriesCodec(track)) for track in layout.TRACKS
            }
            self._predictions: Track[ClassCounts] = Track(self._connection, PredictionCodec(n_classes))
        self._known_keys = {track: len(order.keys) for track, order in self._orders.items()}
        self._latest: dict[str, tuple[int, float]] = {}
        self._facts: dict[str, str] = {}
        self._samples: dict[str, tuple[int, str]] = {}

    def add_batch(self, event: BatchDone, *, at: datetime, epoch_total: float) -> None:
        """One step. A step that comes again replaces what was recorded from there on."""
        if event.step <= self._series["batch"].last_step:
            self.truncate_after(event.step - 1)
        vector = self._vector("batch", event.step, event.scalars)
        self._add_vector(
            "batch", vector, step=event.step, stage=event.stage, at=at.timestamp(), epoch=epoch_total
        )
        row = (
            event.step,
            counts.pack_ids(event.predicted_B, self._n_classes),
            counts.pack_ids(event.labels_B, self._n_classes),
        )
        content = ClassCounts(
            event.step, (counts.each_once(event.predicted_B),), (counts.each_once(event.labels_B),)
        )
        self._predictions.add(row, content)

    def add_signals(
        self, step: int, scalars: Mapping[str, float], *, at: datetime, epoch_total: float
    ) -> None:
        """Signals of a step, joined with those that the step has already."""
        vector = self._vector("signal", step, scalars)
        if step > self._series["signal"].last_step:
            self._add_vector("signal", vector, step=step, stage=0, at=at.timestamp(), epoch=epoch_total)
        else:
            self._join_signals(step, vector, at.timestamp(), epoch_total)

    def put_samples(self, event: SamplesTaken) -> None:
        self._samples[event.split] = (event.step, pack_samples(event))

    def put_facts(self, facts: Mapping[str, Any]) -> None:
        for name, value in facts.items():
            self._facts[name] = json.dumps(value, separators=(",", ":"), default=plain)

    def truncate_after(self, step: int) -> None:
        self.flush()
        with told_plainly("metrics", self._path), self._transaction():
            for track in self._tracks:
                track.truncate_after(step)
            self._connection.execute("DELETE FROM samples WHERE step > ?", (step,))
            self._restore_latest(step)

    def flush(self) -> None:
        with told_plainly("metrics", self._path), self._transaction():
            self._write_keys()
            for track in self._tracks:
                track.write()
            self._put("latest", [(key, step, float(value)) for key, (step, value) in self._latest.items()])
            self._put("facts", list(self._facts.items()))
            self._put("samples", [(split, *rest) for split, rest in self._samples.items()])
        for track in self._tracks:
            track.written()
        self._known_keys = {name: len(order.keys) for name, order in self._orders.items()}
        self._latest, self._facts, self._samples = {}, {}, {}

    def close(self) -> None:
        """Flush, and leave one plain file behind that can be copied or read from a read-only disk."""
        try:
            self.flush()
            with suppress(sqlite3.OperationalError):  # somebody is reading: the log stays beside the file
                self._connection.execute("PRAGMA busy_timeout=0")
                self._connection.execute("PRAGMA journal_mode=DELETE")
        finally:
            self._connection.close()

    @property
    def _tracks(self) -> tuple[Track[Any], ...]:
        return (*self._series.values(), self._predictions)

    def _vector(self, track: str, step: int, scalars: Mapping[str, float]) -> Vector:
        self._latest |= {
            key: (step, value)
            for key, value in scalars.items()
            if value == value  # noqa: PLR0124 - NaN is no value
        }
        return self._orders[track].vector(scalars)

    def _add_vector(
        self, track: str, vector: Vector, *, step: int, stage: int, at: float, epoch: float
    ) -> None:
        row = (step, at, stage, epoch, vector.tobytes())
        self._series[track].add(row, Extremes(step, step, at, epoch, 1, vector, vector))

    def _join_signals(self, step: int, vector: Vector, at: float, epoch: float) -> None:
        self.flush()
        query = "SELECT at, epoch, vector FROM signal_rows WHERE step = ?"
        with told_plainly("metrics", self._path), self._transaction():
            held = self._connection.execute(query, (step,)).fetchone()
            if held is not None:
                at, epoch = held[0], held[1]
                before = lengthened(np.frombuffer(held[2], FLOAT), len(vector))
                vector = np.where(np.isnan(vector), before, vector)
            self._series["signal"].replace_row((step, at, 0, epoch, vector.tobytes()))

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)

    def _stored_keys(self, track: str) -> list[str]:
        rows = self._connection.execute(f"SELECT key FROM {track}_keys ORDER BY position")  # noqa: S608
        return [key for (key,) in rows]

    def _write_keys(self) -> None:
        for track, order in self._orders.items():
            new = list(enumerate(order.keys))[self._known_keys[track] :]
            self._put(f"{track}_keys", new)

    def _put(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            places = ",".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({places})", rows)  # noqa: S608

    def _restore_latest(self, step: int) -> None:
        """Find again the last values of keys whose newest one was cut off."""
        cut = self._connection.execute("SELECT key FROM latest WHERE step > ?", (step,)).fetchall()
        missing = {key for (key,) in cut}
        self._connection.execute("DELETE FROM latest WHERE step > ?", (step,))
        for track, order in self._orders.items():
            query = f"SELECT step, vector FROM {track}_rows ORDER BY step DESC LIMIT ?"  # noqa: S608
            wanted = {key: position for position, key in enumerate(order.keys) if key in missing}
            for row_step, blob in self._connection.execute(query, (_LOOK_BACK_ROWS,)).fetchall():
                vector = lengthened(np.frombuffer(blob, FLOAT), len(order.keys))
                found = {key: at for key, at in wanted.items() if not np.isnan(vector[at])}
                self._put("latest", [(key, row_step, float(vector[at])) for key, at in found.items()])
                wanted = {key: at for key, at in wanted.items() if key not in found}
                if not wanted:
                    break


class _Transaction:
    """BEGIN ... COMMIT, or ROLLBACK where something went wrong."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
