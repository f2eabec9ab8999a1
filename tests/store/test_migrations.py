"""Catalogs of older versions are brought up to date, and kept as they were beside it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from edgeft_core.errors import HomeError
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import REPOSITORY
from edgeft_core.store import migrations, open_catalog
from edgeft_core.store.schema import SCHEMA_VERSION

FILES = Path(__file__).parent / "files"
OLD = range(1, SCHEMA_VERSION)


def old_catalog(folder: Path, version: int) -> Path:
    return Path(shutil.copy(FILES / f"catalog_v{version}.sqlite", folder / "catalog.sqlite"))


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT version FROM schema_version").fetchone()[0])


def tables_of(path: Path) -> dict[str, object]:
    """Columns, indexes and foreign keys of every table, without their order."""
    engine = create_engine(f"sqlite:///{path}")
    seen = inspect(engine)
    found: dict[str, object] = {}
    for table in seen.get_table_names():
        columns = sorted(
            (one["name"], str(one["type"]), one["nullable"], str(one["default"]), one.get("primary_key"))
            for one in seen.get_columns(table)
        )
        indexes = sorted(
            (str(one["name"]), tuple(map(str, one["column_names"]))) for one in seen.get_indexes(table)
        )
        keys = sorted(
            (tuple(one["constrained_columns"]), one["referred_table"]) for one in seen.get_foreign_keys(table)
        )
        found[table] = (columns, indexes, keys)
    engine.dispose()
    return found


def test_a_stored_file_of_every_version_is_there() -> None:
    assert {int(path.stem.removeprefix("catalog_v")) for path in FILES.glob("catalog_v*.sqlite")} == set(
        range(1, SCHEMA_VERSION + 1)
    )
    assert set(migrations.STEPS) == set(OLD)


@pytest.mark.parametrize("version", OLD)
def test_an_upgraded_catalog_has_the_tables_of_a_fresh_one(tmp_path: Path, version: int) -> None:
    path = old_catalog(tmp_path, version)
    open_catalog(f"sqlite:///{path}").close()
    open_catalog(f"sqlite:///{tmp_path / 'fresh.sqlite'}").close()
    assert tables_of(path) == tables_of(tmp_path / "fresh.sqlite")
    assert version_of(path) == SCHEMA_VERSION


@pytest.mark.parametrize("version", OLD)
def test_the_catalog_as_it_was_stays_beside_the_upgraded_one(tmp_path: Path, version: int) -> None:
    path = old_catalog(tmp_path, version)
    with closing(open_catalog(f"sqlite:///{path}")) as catalog:
        catalog.rename_run("old-queued", "new name")
    (kept,) = migrations.copies_of(path)
    assert version_of(kept) == version
    assert sorted(one.name for one in tmp_path.iterdir()) == ["catalog.sqlite", kept.name]
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT name FROM runs WHERE id = 'old-queued'").fetchone() == (
            "old-queued",
        )


def test_a_copy_from_before_is_never_overwritten(tmp_path: Path) -> None:
    path = old_catalog(tmp_path, 1)
    (tmp_path / "catalog.sqlite.v1.bak").write_bytes(b"of an earlier time")
    open_catalog(f"sqlite:///{path}").close()
    assert (tmp_path / "catalog.sqlite.v1.bak").read_bytes() == b"of an earlier time"
    assert version_of(tmp_path / "catalog.sqlite.v1-2.bak") == 1


def test_an_upgrade_that_breaks_off_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = old_catalog(tmp_path, 1)
    before = tables_of(path)
    broken = (*migrations.STEPS[1], "ALTER TABLE runs ADD COLUMN restarts INTEGER")
    with monkeypatch.context() as patched:
        patched.setitem(migrations.STEPS, 1, broken)
        with pytest.raises(Exception, match="duplicate column"):
            open_catalog(f"sqlite:///{path}")
    assert (tables_of(path), version_of(path)) == (before, 1)
    with closing(open_catalog(f"sqlite:///{path}")) as catalog:
        assert catalog.run("old-queued").state is RunState.QUEUED


def test_many_processes_that_find_an_old_catalog_upgrade_it_once(tmp_path: Path) -> None:
    path = old_catalog(tmp_path, 1)
    program = (
        "import sys; from edgeft_core.store import open_catalog; sys.stdin.readline();"
        f"print(len(open_catalog('sqlite:///{path}').runs()))"
    )
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for one in openers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    assert [one.communicate(timeout=60)[0].strip() for one in openers] == ["3"] * 4
    assert len(migrations.copies_of(path)) == 1


def test_a_catalog_without_a_version_is_named(tmp_path: Path) -> None:
    path = old_catalog(tmp_path, 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM schema_version")
        connection.commit()
    with pytest.raises(HomeError, match="is damaged"):
        open_catalog(f"sqlite:///{path}")
