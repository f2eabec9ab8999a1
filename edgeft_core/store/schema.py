"""The catalog's tables, the same on every database, and how values look inside them.

A change of these tables raises ``SCHEMA_VERSION`` and comes with a migration (see ``migrations``) and a stored file
of the new version under ``tests/store/files``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

SCHEMA_VERSION = 3


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC outside, naive UTC inside: SQLite would drop the zone silently."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time stamps are aware and in UTC; {value!r} has no zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


class JsonText(TypeDecorator[Any]):
    """JSON kept as text, so that NaN (a diverged run's loss) survives on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else json.dumps(value, separators=(",", ":"), default=plain)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)


def plain(value: Any) -> Any:
    """A JSON value for what ``json`` does not know: numpy numbers and arrays, tuples' kin, mappings, paths."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value.items())
    return str(value)


metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

runs = Table(
    "runs",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("config", Text, nullable=False),  # RunConfig as JSON
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("updated_at", UtcDateTime, nullable=False, index=True),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("heartbeat_at", UtcDateTime),
    Column("worker_pid", Integer),
    Column("worker_started_at", Float(53)),
    Column("worker_host", Text),
    Column("worker_boot", Text),
    Column("restarts", Integer, nullable=False, server_default="0"),  # by itself, since somebody queued it
    Column("parent_id", String(80)),
    Column("error", Text, nullable=False, default=""),
    Column("summary", JsonText, nullable=False),
)


def _run_id() -> Column[str]:
    return Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False)


commands = Table(
    "commands",
    metadata,
    Column("id", Integer, primary_key=True),
    _run_id(),
    Column("kind", String(16), nullable=False),
    Column("changes", JsonText, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("step", Integer),
    Column("reason", Text, nullable=False),
    Column("previous", JsonText, nullable=False),
    Column("options", JsonText, nullable=False, server_default="{}"),
    Index("commands_of_run", "run_id", "outcome"),
    sqlite_autoincrement=True,  # an id is never used twice, even after its run was deleted
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Integer, primary_key=True),
    _run_id(),
    Column("step", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("saved_at", UtcDateTime, nullable=False),
    Column("scalars", JsonText, nullable=False),
    Index("checkpoints_of_run", "run_id"),
    sqlite_autoincrement=True,
)

history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    _run_id(),
    Column("at", UtcDateTime, nullable=False),
    Column("step", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", JsonText, nullable=False),
    Index("history_of_run", "run_id", "id"),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("started_at", Float(53), nullable=False),
    Column("host", Text, nullable=False),
    Column("boot", Text, nullable=False, server_default=""),
    Column("expires_at", UtcDateTime, nullable=False),
)
