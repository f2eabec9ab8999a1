"""Which file systems are shared, and what is done where WAL cannot work."""

from __future__ import annotations

import sqlite3
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from edgeft_core.store import journal
from edgeft_core.store.contract import ProcessIdentity
from edgeft_core.store.journal import on_network, set_journal
from edgeft_core.store.processes import age_s, current_process, is_dead

Partition = namedtuple("Partition", "device mountpoint fstype opts")
MOUNTS = [
    Partition("/dev/sda", "/", "ext4", "rw"),
    Partition("server:/x", "/mnt/share", "nfs4", "rw"),
    Partition("/dev/sdb", "/mnt/share/disk", "xfs", "rw"),
    Partition("Z:", "/z", "NTFS", "rw,remote"),
]


@pytest.mark.parametrize(
    ("path", "shared"),
    [
        ("/home/me", False),
        ("/mnt/share/home", True),
        ("/mnt/share/disk/home", False),
        ("/z/home", True),
        ("/mnt/sharex", False),
    ],
)
def test_the_nearest_mount_decides(monkeypatch: pytest.MonkeyPatch, path: str, shared: bool) -> None:
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: MOUNTS)  # noqa: A006
    assert on_network(Path(path)) is shared


def test_this_machine_s_disk_is_asked_without_error(tmp_path: Path) -> None:
    assert on_network(tmp_path) in {True, False}


class WithoutSharedMemory(sqlite3.Connection):
    """A connection to a file system that fails at WAL's shared memory, as SQLite reports it."""

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        if "journal_mode=WAL" in sql:
            error = sqlite3.OperationalError("locking protocol")
            error.sqlite_errorcode = sqlite3.SQLITE_PROTOCOL
            raise error
        return super().execute(sql, *arguments)  # type: ignore[arg-type]


def test_where_wal_fails_a_rollback_journal_is_used(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.sqlite", factory=WithoutSharedMemory)
    assert set_journal(connection, tmp_path / "x.sqlite") == "delete"
    connection.close()


def test_the_answer_of_the_pragma_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(tmp_path / "x.sqlite")
    asked: list[str] = []

    def answer(_: sqlite3.Connection, mode: str) -> str:
        asked.append(mode)
        return "delete"

    monkeypatch.setattr(journal, "_journal", answer)
    assert set_journal(connection, tmp_path / "x.sqlite") == "delete"
    assert asked == ["WAL", "DELETE"]
    connection.close()


def test_this_process_lives_and_one_of_another_machine_is_not_judged() -> None:
    me = current_process()
    assert not is_dead(me)
    assert not is_dead(type(me)(pid=2**22 + 1, started_at=0.0, host="elsewhere"))
    assert is_dead(type(me)(pid=me.pid, started_at=me.started_at - 100, host=me.host)), (
        "a pid that was used again"
    )


def test_a_process_of_before_the_machine_was_started_again_is_dead_whatever_its_number_and_start() -> None:
    me = current_process()
    assert is_dead(replace(me, boot="another start of the machine"))
    assert not is_dead(replace(me, boot=me.boot))


def test_the_age_of_a_process_is_told_whatever_its_start_time_counts_from() -> None:
    by_the_clock = time.time() - psutil.Process().create_time()
    assert age_s(current_process()) == pytest.approx(by_the_clock, abs=5.0)
    elsewhere = ProcessIdentity(pid=1, started_at=time.time() - 60, host="elsewhere")
    assert age_s(elsewhere) == pytest.approx(60.0, abs=5.0)
