"""Reading series: the buckets that a view needs, joined to columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeft_core.store.contract import SeriesView
from edgeft_core.store.metrics.buckets import column_shift, cover, level_for
from edgeft_core.store.metrics.contents import LOWEST_SERIES_LEVEL
from edgeft_core.store.metrics.vectors import Vector, matrix

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Stored rows and buckets of one track, in order of steps (R of them, K keys)."""

    first_R: npt.NDArray[np.int64]
    last_R: npt.NDArray[np.int64]
    at_R: Floats
    epoch_R: Floats
    n_rows_R: npt.NDArray[np.int64]
    low_RK: Vector
    high_RK: Vector


def stored_keys(connection: sqlite3.Connection, track: str) -> tuple[str, ...]:
    """A track's keys, in the order of its vectors."""
    return tuple(key for (key,) in connection.execute(f"SELECT key FROM {track}_keys ORDER BY position"))  # noqa: S608


def last_step(connection: sqlite3.Connection, table: str) -> int:
    """The newest step of a table of rows; -1 where it is empty."""
    (newest,) = connection.execute(f"SELECT max(step) FROM {table}").fetchone()  # noqa: S608
    return -1 if newest is None else int(newest)


def within(connection: sqlite3.Connection, table: str, first: int, last: int | None) -> tuple[int, int]:
    """The asked range without what lies before the oldest and after the newest row; empty if the end is smaller."""
    newest = last_step(connection, table)
    (oldest,) = connection.execute(f"SELECT min(step) FROM {table}").fetchone()  # noqa: S608
    return max(first, oldest or 0), newest if last is None else min(last, newest)


def read_view(  # noqa: PLR0917 - one call per contract method, all of them plain values
    connection: sqlite3.Connection, track: str, keys: Sequence[str], first: int, last: int | None, points: int
) -> SeriesView:
    """At most ``points`` columns over the steps ``first .. last``; reads at most a few times as many rows."""
    begin, end = within(connection, f"{track}_rows", first, last)
    if end < begin:
        return empty_view(keys)
    shift = column_shift(begin, end, points)
    level = level_for(shift, LOWEST_SERIES_LEVEL)
    rows: list[tuple[Any, ...]] = []
    for run in cover(begin, end, level, LOWEST_SERIES_LEVEL):
        if run.level == 0:
            query = (
                f"SELECT step, step, at, epoch, 1, vector, vector FROM {track}_rows "  # noqa: S608
                "WHERE step BETWEEN ? AND ? ORDER BY step"
            )
            rows += connection.execute(query, (run.begin, run.end - 1))
        else:
            query = (
                f"SELECT first_step, last_step, at, epoch, n_rows, low, high FROM {track}_buckets "  # noqa: S608
                "WHERE address BETWEEN ? AND ? ORDER BY address"
            )
            rows += connection.execute(query, run.addresses)
    order = stored_keys(connection, track)
    return _columns(_table(rows, len(order)), order, keys, shift)


def read_tail(connection: sqlite3.Connection, track: str, keys: Sequence[str], count: int) -> SeriesView:
    """The newest ``count`` rows as they are."""
    query = f"SELECT step, step, at, epoch, 1, vector, vector FROM {track}_rows ORDER BY step DESC LIMIT ?"  # noqa: S608
    rows = connection.execute(query, (max(0, count),)).fetchall()[::-1]
    order = stored_keys(connection, track)
    return _columns(_table(rows, len(order)), order, keys, 0) if rows else empty_view(keys)


def empty_view(keys: Sequence[str]) -> SeriesView:
    """A view of nothing."""
    steps, floats = np.zeros(0, np.int64), np.zeros(0, np.float64)
    nothing = {key: np.zeros(0, np.float32) for key in keys}
    return SeriesView(steps, steps, floats, floats, nothing, nothing, 0)


def _table(rows: Sequence[tuple[Any, ...]], width: int) -> Table:
    first, last, at, epoch, n_rows, low, high = zip(*rows, strict=True) if rows else ((),) * 7
    return Table(
        first_R=np.array(first, np.int64),
        last_R=np.array(last, np.int64),
        at_R=np.array(at, np.float64),
        epoch_R=np.array(epoch, np.float64),
        n_rows_R=np.array(n_rows, np.int64),
        low_RK=matrix(low, width),
        high_RK=matrix(high, width),
    )


def _columns(table: Table, order: Sequence[str], keys: Iterable[str], shift: int) -> SeriesView:
    """Join neighbouring rows that fall into the same column of 2**shift steps."""
    if not len(table.first_R):
        return empty_view(list(keys))
    column_R = table.first_R >> shift
    start_V = np.flatnonzero(np.diff(column_R, prepend=column_R[0] - 1))
    end_V = np.append(start_V[1:], len(column_R)) - 1
    nothing = np.full(len(start_V), np.nan, np.float32)
    place = {key: position for position, key in enumerate(order)}
    low = {
        key: np.fmin.reduceat(table.low_RK[:, place[key]], start_V) if key in place else nothing
        for key in keys
    }
    high = {
        key: np.fmax.reduceat(table.high_RK[:, place[key]], start_V) if key in place else nothing
        for key in keys
    }
    return SeriesView(
        step_V=table.first_R[start_V],
        last_step_V=table.last_R[end_V],
        epoch_V=table.epoch_R[start_V],
        time_V=table.at_R[start_V],
        low=low,
        high=high,
        total=int(table.n_rows_R.sum()),
    )
