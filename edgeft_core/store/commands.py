"""Rows of commands: what was asked of a run, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from edgeft_core.errors import RequestError, UnknownRunError
from edgeft_core.events import ControlRequest
from edgeft_core.store import history
from edgeft_core.store.contract import CommandOutcome, CommandRecord
from edgeft_core.store.schema import commands


def add(connection: Connection, run_id: str, request: ControlRequest, requested_by: str) -> CommandRecord:
    """A pending command. Raises UnknownRunError."""
    row = {
        "run_id": run_id,
        "kind": request.kind,
        "changes": dict(request.changes),
        "options": dict(request.options),
        "requested_at": datetime.now(UTC),
        "requested_by": requested_by,
        "outcome": "pending",
        "reason": "",
        "previous": {},
    }
    try:
        key = connection.execute(insert(commands).values(row)).inserted_primary_key
    except IntegrityError as error:
        raise UnknownRunError(f"No run {run_id} is in the catalog") from error
    assert key is not None
    return get(connection, key[0])


def get(connection: Connection, command_id: int) -> CommandRecord:
    """Raises RequestError where there is no such command."""
    row = connection.execute(select(commands).where(commands.c.id == command_id)).one_or_none()
    if row is None:
        raise RequestError(f"No command {command_id} is in the catalog; its run may have been deleted.")
    return _record(row)


def of_run(connection: Connection, run_id: str) -> list[CommandRecord]:
    """All of them, oldest first."""
    return _listed(connection, select(commands).where(commands.c.run_id == run_id))


def pending(connection: Connection, run_id: str) -> list[CommandRecord]:
    """Those that wait for an answer, oldest first."""
    return _listed(
        connection, select(commands).where(commands.c.run_id == run_id, commands.c.outcome == "pending")
    )


def settle(
    connection: Connection,
    command_id: int,
    outcome: CommandOutcome,
    *,
    step: int | None,
    reason: str,
    previous: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Answer a pending command and note it in the history; one that has its answer keeps it."""
    settled = connection.execute(
        update(commands)
        .where(commands.c.id == command_id, commands.c.outcome == "pending")
        .values(
            outcome=outcome,
            step=step,
            reason=reason,
            previous=dict(previous),
            **({} if changes is None else {"changes": dict(changes)}),
        )
    )
    record = get(connection, command_id)
    if settled.rowcount:
        _note(connection, record)


def refuse_pending(connection: Connection, run_id: str, reason: str) -> None:
    """Answer all commands that nobody will handle any more."""
    for record in pending(connection, run_id):
        settle(connection, record.id, "refused", step=None, reason=reason, previous={})


def _note(connection: Connection, record: CommandRecord) -> None:
    asked = ", ".join(f"{key} = {value}" for key, value in record.changes.items()) or record.kind
    asked += f" over {record.over_steps} steps" if record.over_steps else ""
    if record.kind == "rewind":
        asked = f"rewind to step {record.options.get('to_step')}"
    text = f"{asked}: {record.outcome}" + (f" ({record.reason})" if record.reason else "")
    data = {
        "command_id": record.id,
        "kind": record.kind,
        "changes": dict(record.changes),
        "previous": dict(record.previous),
        "outcome": record.outcome,
        "reason": record.reason,
    }
    history.add(connection, record.run_id, "command", text, step=record.step or 0, data=data)


def _listed(connection: Connection, query: Select[Any]) -> list[CommandRecord]:
    return [_record(row) for row in connection.execute(query.order_by(commands.c.id))]


def _record(row: Row[Any]) -> CommandRecord:
    return CommandRecord(**row._mapping)
