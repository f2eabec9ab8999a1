"""Rows of leases: who holds a device slot or drives the queue, until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from edgeft_core.store.contract import ProcessIdentity
from edgeft_core.store.processes import START_TOLERANCE_S, is_dead
from edgeft_core.store.schema import leases


def take(connection: Connection, name: str, holder: ProcessIdentity, ttl_s: float) -> bool:
    """Take or renew a lease; False while another holder has it, who lives and whose time is not up."""
    now = datetime.now(UTC)
    values = {
        "pid": holder.pid,
        "started_at": holder.started_at,
        "host": holder.host,
        "boot": holder.boot,
        "expires_at": now + timedelta(seconds=ttl_s),
    }
    row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(leases).values(name=name, **values))
        except IntegrityError:  # another process was faster (databases without one writer at a time)
            return False
        return True
    if not (_is_same(row, holder) or row.expires_at <= now or is_dead(_holder(row))):
        return False
    unchanged = (leases.c.name == name) & (leases.c.pid == row.pid) & (leases.c.expires_at == row.expires_at)
    return connection.execute(update(leases).where(unchanged).values(values)).rowcount == 1


def release(connection: Connection, name: str, holder: ProcessIdentity) -> None:
    """Give it back; nothing happens where another holds it by now."""
    row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    if row is not None and _is_same(row, holder):
        connection.execute(delete(leases).where(leases.c.name == name, leases.c.pid == holder.pid))


def holder_of(connection: Connection, name: str) -> ProcessIdentity | None:
    """Who holds it now; None where it is free, its time is up or its holder died."""
    row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    if row is None or row.expires_at <= datetime.now(UTC) or is_dead(_holder(row)):
        return None
    return _holder(row)


def _holder(row: Row[Any]) -> ProcessIdentity:
    return ProcessIdentity(row.pid, row.started_at, row.host, row.boot)


def _is_same(row: Row[Any], holder: ProcessIdentity) -> bool:
    same_start = abs(row.started_at - holder.started_at) <= START_TOLERANCE_S
    return bool(row.pid == holder.pid and row.host == holder.host and same_start)
