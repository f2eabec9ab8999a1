"""Rows of runs: adding, finding, moving between states. Each function works inside the caller's transaction."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, String, delete, insert, select, type_coerce, update
from sqlalchemy.exc import IntegrityError

from edgeft_core.config import RunConfig
from edgeft_core.errors import RequestError, TransitionError, UnknownRunError
from edgeft_core.jobs.states import ACTIVE, ENDED, RunState, sources_of
from edgeft_core.store import commands, history
from edgeft_core.store.contract import ProcessIdentity, RunRecord
from edgeft_core.store.old_config import read_config
from edgeft_core.store.schema import runs

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What reading a row raises whose cells are not what they should be."""

_NO_WORKER: dict[str, Any] = dict.fromkeys(("worker_pid", "worker_started_at", "worker_host", "worker_boot"))


def add(
    connection: Connection,
    run_id: str,
    name: str,
    config: RunConfig,
    *,
    parent_id: str | None,
    summary: Mapping[str, Any],
) -> RunRecord:
    """A new queued run.

    Raises:
        RequestError: the id is taken.
    """
    now = datetime.now(UTC)
    row = {
        "id": run_id,
        "name": name or run_id,
        "state": RunState.QUEUED.value,
        "config": config.model_dump_json(),
        "created_at": now,
        "updated_at": now,
        "parent_id": parent_id,
        "error": "",
        "summary": dict(summary),
    }
    try:
        connection.execute(insert(runs).values(row))
    except IntegrityError as error:
        raise RequestError(f"A run {run_id} is in the catalog already; choose another id.") from error
    history.add(connection, run_id, "state", RunState.QUEUED.value, data={"to": RunState.QUEUED.value})
    return get(connection, run_id)


def get(connection: Connection, run_id: str) -> RunRecord:
    """By exact id. Raises UnknownRunError."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise UnknownRunError(_not_there(connection, run_id))
    return _record(row)


def find(connection: Connection, text: str) -> RunRecord:
    """By id, else the newest of that name, else by a prefix that only one id has. Raises UnknownRunError."""
    named = _newest_first(select(runs).where(runs.c.name == text)).limit(1)
    for query in (select(runs).where(runs.c.id == text), named):
        row = connection.execute(query).first()
        if row is not None:
            return _record(row)
    starting = select(runs).where(runs.c.id.startswith(text, autoescape=True))
    matches = connection.execute(_newest_first(starting).limit(6)).all() if text else []
    if len(matches) == 1:
        return _record(matches[0])
    if matches:
        ids = ", ".join(row.id for row in matches[:5]) + (", ..." if len(matches) > 5 else "")
        raise UnknownRunError(f"Several runs begin with {text}: {ids}; give more of the id.")
    raise UnknownRunError(_not_there(connection, text))


def listed(connection: Connection, states: Sequence[RunState], limit: int) -> list[RunRecord]:
    """Newest first. A damaged row hides no other; without ``states`` something stands in for it."""
    query = _newest_first(select(runs)).limit(limit)
    if states:
        query = query.where(runs.c.state.in_([state.value for state in states]))
    try:
        return [_record(row) for row in connection.execute(query).all()]
    except UNREADABLE:
        ids = connection.execute(query.with_only_columns(type_coerce(runs.c.id, String))).scalars().all()
        found = [_record_or_sign(connection, run_id) for run_id in ids]
        return [one for one in found if not states or one.state in states]


def _record_or_sign(connection: Connection, run_id: str) -> RunRecord:
    """A run, or a sign in its place that says what is wrong with its row."""
    try:
        return get(connection, run_id)
    except UNREADABLE as error:
        long_ago = datetime.fromtimestamp(0, UTC)
        text = f"Its row in the catalog is damaged ({error}); its folder is untouched."
        return RunRecord(run_id, run_id, RunState.FAILED, RunConfig(), long_ago, long_ago, error=text)


def rename(connection: Connection, run_id: str, name: str) -> None:
    """Raises UnknownRunError, or RequestError for an empty name."""
    if not name.strip():
        raise RequestError("A run's name cannot be empty; type at least one letter.")
    _change(connection, run_id, name=name.strip())


def remove(connection: Connection, run_id: str) -> None:
    """Delete a run and all rows that hang on it. Raises TransitionError while it is active."""
    active = [state.value for state in ACTIVE]
    gone = connection.execute(delete(runs).where(runs.c.id == run_id, runs.c.state.not_in(active)))
    if gone.rowcount == 0:
        state = get(connection, run_id).state
        raise TransitionError(f"Run {run_id} is {state.value}; stop it before deleting it.")


def move(
    connection: Connection,
    run_id: str,
    target: RunState,
    error: str,
    step: int,
    *,
    worker: ProcessIdentity | None = None,
    goes_on: bool = False,
) -> RunRecord:
    """One transition, its history row, and an answer to every command that can no longer be handled.

    Args:
        goes_on: the run is about to be queued again, and its next worker will answer.

    Raises:
        TransitionError: ``target`` cannot be entered from the state that the run is in, or the run is no longer
            this worker's.
    """
    before = connection.execute(select(runs.c.state).where(runs.c.id == run_id).with_for_update()).scalar()
    now = datetime.now(UTC)
    sources = [state.value for state in sources_of(target)]
    moved = connection.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.state.in_(sources), *_of_worker(worker))
        .values(state=target.value, updated_at=now, **_stamps(target, error, now))
    )
    if moved.rowcount == 0:
        state = get(connection, run_id).state
        if state.value in sources:
            raise TransitionError(f"Run {run_id} was given to another worker.")
        raise TransitionError(f"Run {run_id} is {state.value} and cannot become {target.value}.")
    if target is RunState.RUNNING:
        first_time = (runs.c.id == run_id) & runs.c.started_at.is_(None)
        connection.execute(update(runs).where(first_time).values(started_at=now))
    if target in ENDED and not goes_on:
        commands.refuse_pending(connection, run_id, f"the run is {target.value}")
    data = {"from": before, "to": target.value} | ({"error": error} if error else {})
    history.add(connection, run_id, "state", target.value, step=step, data=data)
    return get(connection, run_id)


def lose(connection: Connection, run: RunRecord, error: str, *, again: bool) -> bool:
    """The worker that ``run`` names is gone; nothing happens if the run ended or has another worker by now."""
    step = int(run.summary.get("step") or 0)
    still = select(runs.c.id).where(runs.c.id == run.id, runs.c.state.in_([one.value for one in ACTIVE]))
    if connection.execute(still.where(*_of_worker(run.worker)).with_for_update()).one_or_none() is None:
        return False
    move(connection, run.id, RunState.LOST, error, step, goes_on=again)
    if again:
        move(connection, run.id, RunState.QUEUED, "", step)
        connection.execute(update(runs).where(runs.c.id == run.id).values(restarts=run.restarts + 1))
    return True


def _of_worker(worker: ProcessIdentity | None) -> list[Any]:
    """Conditions that hold while a run belongs to this very process; none for None."""
    if worker is None:
        return []
    return [
        runs.c.worker_pid == worker.pid,
        runs.c.worker_started_at == worker.started_at,
        runs.c.worker_host == worker.host,
    ]


def claim(connection: Connection, run_id: str, worker: ProcessIdentity) -> bool:
    """queued -> starting in one statement; True for the one caller that did it."""
    now = datetime.now(UTC)
    claimed = connection.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.state == RunState.QUEUED.value)
        .values(
            state=RunState.STARTING.value,
            updated_at=now,
            heartbeat_at=now,
            worker_pid=worker.pid,
            worker_started_at=worker.started_at,
            worker_host=worker.host,
            worker_boot=worker.boot,
        )
    )
    if claimed.rowcount == 0:
        return False
    data = {"from": RunState.QUEUED.value, "to": RunState.STARTING.value, "pid": worker.pid}
    history.add(connection, run_id, "state", RunState.STARTING.value, data=data)
    return True


def heartbeat(connection: Connection, run_id: str, summary: Mapping[str, Any]) -> None:
    """Note that the worker lives, and merge ``summary`` into the stored one, key by key."""
    stored = connection.execute(
        select(runs.c.summary).where(runs.c.id == run_id).with_for_update()
    ).scalar_one_or_none()
    _change(connection, run_id, heartbeat_at=datetime.now(UTC), summary={**(stored or {}), **dict(summary)})


def exchange(
    connection: Connection, run_id: str, key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> bool:
    """Put one key of the summary in place of what the caller saw there; False where it holds something else by now.

    The time stamp stays: it tells dispatchers when the run was queued.
    """
    of_run = runs.c.id == run_id
    stored = connection.execute(select(runs.c.summary).where(of_run).with_for_update()).scalar_one_or_none()
    if stored is None:
        raise UnknownRunError(_not_there(connection, run_id))
    if stored.get(key) != before:
        return False
    connection.execute(update(runs).where(of_run).values(summary={**stored, key: dict(after)}))
    return True


def _change(connection: Connection, run_id: str, **values: Any) -> None:
    changed = connection.execute(
        update(runs).where(runs.c.id == run_id).values(updated_at=datetime.now(UTC), **values)
    )
    if changed.rowcount == 0:
        raise UnknownRunError(_not_there(connection, run_id))


def _stamps(target: RunState, error: str, now: datetime) -> dict[str, Any]:
    """What else changes when a state is entered."""
    if target in ENDED:
        return {"ended_at": now, "error": error}
    if target is RunState.QUEUED:
        return {"ended_at": None, "heartbeat_at": None, "error": "", "restarts": 0, **_NO_WORKER}
    return {"error": error}


def _newest_first(query: Select[Any]) -> Select[Any]:
    return query.order_by(runs.c.created_at.desc(), runs.c.id.desc())


def _not_there(connection: Connection, text: str) -> str:
    rows = connection.execute(_newest_first(select(runs.c.id, runs.c.name)).limit(200)).all()
    near = difflib.get_close_matches(text, [value for row in rows for value in row], n=1)
    hint = f"; did you mean {near[0]}?" if near else "; list them with: python -m edgeft_core runs"
    return f"No run {text} is in the catalog{hint}"


def _record(row: Row[Any]) -> RunRecord:
    config, problems = read_config(row.config)
    summary = dict(row.summary or {})
    if problems:
        summary["config_problems"] = list(problems)
    worker = None
    if row.worker_pid is not None:
        worker = ProcessIdentity(
            row.worker_pid, row.worker_started_at, row.worker_host, row.worker_boot or ""
        )
    return RunRecord(
        id=row.id,
        name=row.name,
        state=RunState(row.state),
        config=config,
        created_at=row.created_at,
        updated_at=row.updated_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        heartbeat_at=row.heartbeat_at,
        worker=worker,
        parent_id=row.parent_id,
        error=row.error,
        summary=summary,
        restarts=row.restarts,
    )
