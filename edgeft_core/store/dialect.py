"""Everything that is said to one kind of database only: SQLite's pragmas and locks, and what stands in elsewhere."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL

from edgeft_core.errors import RequestError
from edgeft_core.store import schema
from edgeft_core.store.journal import BUSY_TIMEOUT_S, set_journal

WRITES = "edgeft_writes"
"""Execution option of connections that will write."""


class ChangeCounter(Protocol):
    """A number that changes when somebody else changed the catalog."""

    def read(self) -> int: ...

    def close(self) -> None: ...


def engine_for(url: URL) -> Engine:
    """An engine with this database's habits set.

    Raises:
        RequestError: a SQLite database in memory, which no worker could reach.
    """
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if url.database in {None, "", ":memory:"}:
        raise RequestError(
            "The catalog cannot live in memory, since workers are other processes; "
            "name a file: sqlite:///PATH/catalog.sqlite"
        )
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def counter_for(engine: Engine) -> ChangeCounter:
    """The cheapest change counter that this database has."""
    return _DataVersion(engine) if engine.dialect.name == "sqlite" else _NewestRows(engine)


def place(url: URL) -> str:
    """Where the catalog is, for messages: a path, or an address without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True)


def _on_sqlite_connect(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ARG001
    connection.isolation_level = None  # transactions are begun by _on_sqlite_begin
    connection.execute("PRAGMA foreign_keys=ON")
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    set_journal(connection, Path(path))


def _on_sqlite_begin(connection: Connection) -> None:
    # A transaction that reads before it writes must take the lock at once: one that asks for it later is refused
    # without waiting when somebody else wrote in between.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class _DataVersion:
    """``PRAGMA data_version`` on a connection of its own, since it counts what *other* connections commit."""

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._pooled = engine.raw_connection()
        self._pooled.detach()
        self._connection = self._pooled.dbapi_connection
        assert isinstance(self._connection, sqlite3.Connection)

    def read(self) -> int:
        with self._lock:
            assert self._connection is not None
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        with self._lock:
            self._pooled.close()


class _NewestRows:
    """The newest ids and time stamp added up: each only grows, so every change of one shows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> int:
        newest = select(
            func.coalesce(select(func.max(schema.commands.c.id)).scalar_subquery(), 0)
            + func.coalesce(select(func.max(schema.history.c.id)).scalar_subquery(), 0)
            + func.coalesce(select(func.max(schema.checkpoints.c.id)).scalar_subquery(), 0),
            select(func.max(schema.runs.c.updated_at)).scalar_subquery(),
            select(func.count()).select_from(schema.runs).scalar_subquery(),
        )
        with self._engine.connect() as connection:
            ids, updated_at, runs = connection.execute(newest).one()
        moment = int(updated_at.timestamp() * 1e6) if updated_at is not None else 0
        return int(ids) + int(runs) + moment

    def close(self) -> None:
        """Nothing is held."""
