"""Rows of checkpoints: which complete files lie in a run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from edgeft_core.errors import UnknownRunError
from edgeft_core.store.contract import CheckpointRecord
from edgeft_core.store.schema import checkpoints

_SINGLE = frozenset({"best", "last", "first", "start"})
"""Kinds of which a run has one."""


def add(connection: Connection, record: CheckpointRecord) -> CheckpointRecord:
    """Store it under a new id, in place of one in the same file or of the same single kind. Raises UnknownRunError."""
    same = checkpoints.c.path == record.path
    if record.kind in _SINGLE:
        same |= checkpoints.c.kind == record.kind
    connection.execute(delete(checkpoints).where(checkpoints.c.run_id == record.run_id, same))
    row = asdict(record)
    del row["id"]
    try:
        key = connection.execute(insert(checkpoints).values(row)).inserted_primary_key
    except IntegrityError as error:
        raise UnknownRunError(f"No run {record.run_id} is in the catalog") from error
    assert key is not None
    return replace(record, id=key[0])


def drop(connection: Connection, run_id: str, paths: Sequence[str]) -> None:
    """Forget those in these files."""
    gone = checkpoints.c.path.in_(list(paths))
    connection.execute(delete(checkpoints).where(checkpoints.c.run_id == run_id, gone))


def of_run(connection: Connection, run_id: str) -> list[CheckpointRecord]:
    """By step, then in order of saving."""
    query = select(checkpoints).where(checkpoints.c.run_id == run_id)
    return [_record(row) for row in connection.execute(query.order_by(checkpoints.c.step, checkpoints.c.id))]


def _record(row: Row[Any]) -> CheckpointRecord:
    return CheckpointRecord(**row._mapping)
