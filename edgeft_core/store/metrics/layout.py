"""The tables of a metrics file (format 1) and how one is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from edgeft_core.errors import HomeError
from edgeft_core.store.journal import BUSY_TIMEOUT_S, set_journal

FORMAT_VERSION = 1

_TRACK = """
CREATE TABLE {track}_rows (      -- one per step
    step INTEGER PRIMARY KEY,
    at REAL NOT NULL,            -- UTC seconds since the epoch
    stage INTEGER NOT NULL,
    epoch REAL NOT NULL,         -- position in epochs over all stages
    vector BLOB NOT NULL         -- float32 per key, in the order of {track}_keys; keys added later are not in it
);
CREATE TABLE {track}_buckets (   -- minimum and maximum over 4**level steps
    address INTEGER PRIMARY KEY, -- level << 48 | step >> 2 * level
    first_step INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    at REAL NOT NULL,            -- of the first step, like epoch
    epoch REAL NOT NULL,
    n_rows INTEGER NOT NULL,
    low BLOB NOT NULL,
    high BLOB NOT NULL
);
CREATE TABLE {track}_keys (position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
"""

_REST = """
CREATE TABLE prediction_rows (step INTEGER PRIMARY KEY, predicted BLOB NOT NULL, labels BLOB NOT NULL);
CREATE TABLE prediction_buckets (
    address INTEGER PRIMARY KEY,
    last_step INTEGER NOT NULL,
    predicted BLOB NOT NULL,     -- sparse counts, see counts.py
    labels BLOB NOT NULL
);
CREATE TABLE samples (split TEXT PRIMARY KEY, step INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE latest (key TEXT PRIMARY KEY, step INTEGER NOT NULL, value REAL);
CREATE TABLE classes (n_classes INTEGER NOT NULL);
"""

TRACKS = ("batch", "signal")
"""Series of every batch, and those measured now and then."""


def open_for_writing(path: Path, n_classes: int) -> sqlite3.Connection:
    """The file, created where it is not there yet.

    Raises:
        HomeError: written by a newer version, or with another number of classes.
        sqlite3.Error: whatever the disk says.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        set_journal(connection, path)
        version = format_of(connection)
        if version == 0:
            _create(connection, n_classes)
        elif version > FORMAT_VERSION:
            raise HomeError(newer(path, version))
        stored = connection.execute("SELECT n_classes FROM classes").fetchone()[0]
        if stored != n_classes:
            raise HomeError(
                f"{path} holds a run over {stored} classes, not {n_classes}; start a new run instead."
            )
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection | None:
    """A read-only connection for any thread; None where nothing was written yet."""
    if not path.is_file():
        return None
    connection = sqlite3.connect(
        read_only_uri(path), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        version = format_of(connection)
    except BaseException:
        connection.close()
        raise
    if version == 0:
        connection.close()
        return None
    if version > FORMAT_VERSION:
        connection.close()
        raise HomeError(newer(path, version))
    return connection


def read_only_uri(path: Path) -> str:
    """SQLite's address of a file to be read only, on every platform (Windows shares included)."""
    address = path.absolute().as_uri()
    if not address.startswith("file:///"):  # file://server/share, which SQLite takes for a foreign machine
        address = "file:////" + address.removeprefix("file://")
    return address + "?mode=ro"


def format_of(connection: sqlite3.Connection) -> int:
    """The format's version; 0 for a file that is being created."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def newer(path: Path, version: int) -> str:
    """The sentence for a file from the future."""
    return (
        f"{path} was written by a newer version of EdgeFT (format {version}, this version knows "
        f"{FORMAT_VERSION}). Update EdgeFT to see this run."
    )


def _create(connection: sqlite3.Connection, n_classes: int) -> None:
    tables = "".join(_TRACK.format(track=track) for track in TRACKS) + _REST
    connection.executescript(
        f"BEGIN IMMEDIATE; {tables} INSERT INTO classes VALUES ({int(n_classes)});"  # noqa: S608
        f"PRAGMA user_version={FORMAT_VERSION}; COMMIT;"
    )
