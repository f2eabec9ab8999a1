"""The catalog in a SQL database: SQLite by default, any that SQLAlchemy knows by its address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.engine import make_url

from edgeft_core.config import RunConfig
from edgeft_core.errors import DamagedError, HomeError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.states import RunState
from edgeft_core.store import checkpoints, commands, dialect, history, leases, migrations, runs, schema
from edgeft_core.store.contract import (
    AUTOPILOT,
    CheckpointRecord,
    CommandOutcome,
    CommandRecord,
    HistoryRecord,
    ProcessIdentity,
    RunRecord,
)
from edgeft_core.store.faults import told_plainly


class SqlCatalog:
    """The ``Catalog`` contract on SQLAlchemy Core.

    Safe to share between threads (each call takes its own pooled connection) and to open in many processes; not to
    be carried into a forked child. Every method is one transaction: it happens wholly or not at all.
    """

    def __init__(self, url: str) -> None:
        """Open, and create what is not there yet.

        Raises:
            HomeError: unreadable, read-only, damaged, or written by a newer version.
        """
        address = make_url(url)
        self.place = dialect.place(address)
        self._readers = dialect.engine_for(address)
        self._writers = self._readers.execution_options(**{dialect.WRITES: True})
        with told_plainly("catalog", self.place):
            if address.get_backend_name() == "sqlite" and not self.place.startswith("file:"):
                Path(self.place).parent.mkdir(parents=True, exist_ok=True)
            self._create()
            self._counter = dialect.counter_for(self._readers)

    def _create(self) -> None:
        with self._reading() as connection:
            if self._version(connection) == schema.SCHEMA_VERSION:
                return
        with self._writing() as connection:
            version = self._version(connection)
            if version is None:
                schema.metadata.create_all(connection)
                connection.execute(insert(schema.schema_version).values(version=schema.SCHEMA_VERSION))
            elif version > schema.SCHEMA_VERSION:
                raise HomeError(
                    f"The catalog {self.place} was written by a newer version of EdgeFT (its schema is {version}, "
                    f"this version knows {schema.SCHEMA_VERSION}). Update EdgeFT, or choose another home with "
                    "--home DIR."
                )
            else:
                migrations.upgrade(connection, version)

    def _version(self, connection: Connection) -> int | None:
        """The schema version that the catalog says it has; None for an empty database."""
        if not inspect(connection).has_table(schema.schema_version.name):
            return None
        version = connection.execute(select(schema.schema_version.c.version)).scalar()
        if not isinstance(version, int) or version < 1:
            raise DamagedError(
                f"The catalog {self.place} is damaged (it has no version). Move the file away and start again; "
                "the folders of the runs are untouched."
            )
        return version

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with told_plainly("catalog", self.place), self._readers.begin() as connection:
            try:
                yield connection
            except runs.UNREADABLE as error:
                raise DamagedError(
                    f"A row of the catalog {self.place} is damaged ({error}). The other runs and all folders are "
                    "untouched."
                ) from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with told_plainly("catalog", self.place), self._writers.begin() as connection:
            yield connection

    # runs

    def add_run(
        self,
        run_id: str,
        name: str,
        config: RunConfig,
        *,
        parent_id: str | None = None,
        summary: Mapping[str, Any] | None = None,
        requests: Sequence[ControlRequest] = (),
        requested_by: str = "",
    ) -> RunRecord:
        with self._writing() as connection:
            added = runs.add(connection, run_id, name, config, parent_id=parent_id, summary=summary or {})
            for request in requests:
                commands.add(connection, run_id, request, requested_by)
            return added

    def run(self, run_id_or_name: str) -> RunRecord:
        with self._reading() as connection:
            return runs.find(connection, run_id_or_name)

    def runs(self, *, states: Sequence[RunState] = (), limit: int = 1000) -> list[RunRecord]:
        with self._reading() as connection:
            return runs.listed(connection, states, limit)

    def rename_run(self, run_id: str, name: str) -> None:
        with self._writing() as connection:
            runs.rename(connection, run_id, name)

    def delete_run(self, run_id: str) -> None:
        with self._writing() as connection:
            runs.remove(connection, run_id)

    def move_run(
        self,
        run_id: str,
        target: RunState,
        *,
        error: str = "",
        step: int = 0,
        worker: ProcessIdentity | None = None,
    ) -> RunRecord:
        with self._writing() as connection:
            return runs.move(connection, run_id, target, error, step, worker=worker)

    def lose_run(self, run: RunRecord, *, error: str, again: bool) -> bool:
        with self._writing() as connection:
            return runs.lose(connection, run, error, again=again)

    def claim_run(self, run_id: str, worker: ProcessIdentity) -> bool:
        with self._writing() as connection:
            return runs.claim(connection, run_id, worker)

    def heartbeat(self, run_id: str, summary: Mapping[str, Any]) -> None:
        with self._writing() as connection:
            runs.heartbeat(connection, run_id, summary)

    def turn_autopilot(
        self,
        run_id: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
        *,
        text: str,
        step: int,
        data: Mapping[str, Any],
        requests: Sequence[ControlRequest] = (),
        requeue: bool = False,
    ) -> bool:
        with self._writing() as connection:
            if not runs.exchange(connection, run_id, AUTOPILOT, before, after):
                return False
            if requeue:
                runs.move(connection, run_id, RunState.QUEUED, "", step)
            for request in requests:
                commands.add(connection, run_id, request, AUTOPILOT)
            history.add(connection, run_id, AUTOPILOT, text, step=step, data=data)
            return True

    # commands

    def add_command(self, run_id: str, request: ControlRequest, *, requested_by: str) -> CommandRecord:
        with self._writing() as connection:
            return commands.add(connection, run_id, request, requested_by)

    def pending_commands(self, run_id: str) -> list[CommandRecord]:
        with self._reading() as connection:
            return commands.pending(connection, run_id)

    def settle_command(
        self,
        command_id: int,
        outcome: CommandOutcome,
        *,
        step: int | None,
        reason: str,
        previous: Mapping[str, Any],
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        with self._writing() as connection:
            commands.settle(
                connection, command_id, outcome, step=step, reason=reason, previous=previous, changes=changes
            )

    def commands(self, run_id: str) -> list[CommandRecord]:
        with self._reading() as connection:
            return commands.of_run(connection, run_id)

    def command(self, command_id: int) -> CommandRecord:
        with self._reading() as connection:
            return commands.get(connection, command_id)

    def data_version(self) -> int:
        with told_plainly("catalog", self.place):
            return self._counter.read()

    # checkpoints and history

    def add_checkpoint(self, record: CheckpointRecord) -> CheckpointRecord:
        with self._writing() as connection:
            return checkpoints.add(connection, record)

    def drop_checkpoints(self, run_id: str, paths: Sequence[str]) -> None:
        with self._writing() as connection:
            checkpoints.drop(connection, run_id, paths)

    def checkpoints(self, run_id: str) -> list[CheckpointRecord]:
        with self._reading() as connection:
            return checkpoints.of_run(connection, run_id)

    def add_history(self, run_id: str, kind: str, text: str, *, step: int, data: Mapping[str, Any]) -> None:
        with self._writing() as connection:
            history.add(connection, run_id, kind, text, step=step, data=data)

    def history(self, run_id: str, *, after_id: int = 0, limit: int = 1000) -> list[HistoryRecord]:
        with self._reading() as connection:
            return history.of_run(connection, run_id, after_id, limit)

    # leases

    def take_lease(self, name: str, holder: ProcessIdentity, *, ttl_s: float) -> bool:
        with self._writing() as connection:
            return leases.take(connection, name, holder, ttl_s)

    def release_lease(self, name: str, holder: ProcessIdentity) -> None:
        with self._writing() as connection:
            leases.release(connection, name, holder)

    def lease_holder(self, name: str) -> ProcessIdentity | None:
        with self._reading() as connection:
            return leases.holder_of(connection, name)

    def close(self) -> None:
        self._counter.close()
        self._readers.dispose()
