"""Rows of history: what happened to a run, in order, never changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from edgeft_core.errors import UnknownRunError
from edgeft_core.store.contract import HistoryRecord
from edgeft_core.store.schema import history


def add(
    connection: Connection,
    run_id: str,
    kind: str,
    text: str,
    *,
    step: int = 0,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Raises UnknownRunError."""
    row = {
        "run_id": run_id,
        "at": datetime.now(UTC),
        "step": step,
        "kind": kind,
        "text": text,
        "data": dict(data or {}),
    }
    try:
        connection.execute(insert(history).values(row))
    except IntegrityError as error:
        raise UnknownRunError(f"No run {run_id} is in the catalog") from error


def of_run(connection: Connection, run_id: str, after_id: int, limit: int) -> list[HistoryRecord]:
    """Oldest first, those later than ``after_id``."""
    query = select(history).where(history.c.run_id == run_id, history.c.id > after_id)
    rows = connection.execute(query.order_by(history.c.id).limit(limit))
    return [HistoryRecord(**row._mapping) for row in rows]
