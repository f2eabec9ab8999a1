"""Files that are not as they should be: old, new, damaged, in the wrong place, on a full disk."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from edgeft_core.errors import DiskFullError, HomeError, RequestError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store import dialect, journal, open_catalog
from edgeft_core.store.dialect import _NewestRows
from edgeft_core.store.schema import SCHEMA_VERSION
from tests.store.build_files import CONFIG

FILES = Path(__file__).parent / "files"


def address(path: Path) -> str:
    return f"sqlite:///{path}"


def journal_of(path: Path) -> str:
    connection = sqlite3.connect(path)
    mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    connection.close()
    return mode


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_catalog_of_every_version_is_read_whole(tmp_path: Path, version: int) -> None:
    copy = shutil.copy(FILES / f"catalog_v{version}.sqlite", tmp_path)
    catalog = open_catalog(address(Path(copy)))
    runs = {run.id: run for run in catalog.runs()}
    assert {run_id: run.state for run_id, run in runs.items()} == {
        "old-finished": RunState.FINISHED,
        "old-lost": RunState.LOST,
        "old-queued": RunState.QUEUED,
    }
    finished = runs["old-finished"]
    assert finished.config == CONFIG
    assert finished.summary["best"] == {"val_top1": 0.5}
    assert [(one.kind, one.outcome, one.step) for one in catalog.commands("old-finished")] == [
        ("set", "applied", 12)
    ]
    assert [(one.kind, one.step) for one in catalog.checkpoints("old-finished")] == [("best", 40)]
    assert runs["old-lost"].error == "its worker died"
    assert catalog.move_run("old-lost", RunState.QUEUED).state is RunState.QUEUED
    catalog.close()


def test_a_catalog_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    open_catalog(address(path)).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schema_version SET version = 700")
    connection.commit()
    connection.close()
    with pytest.raises(
        HomeError, match=r"newer version of EdgeFT \(its schema is 700, this version knows \d+\)"
    ):
        open_catalog(address(path))


def test_settings_that_this_version_lacks_do_not_hide_a_run(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    catalog = open_catalog(address(path))
    catalog.add_run("r1", "", CONFIG)
    connection = sqlite3.connect(path)
    strange = {"preset": "insightface", "head": {"scale": 1e9, "sharpness": 3, "margin_rad": 0.4}}
    connection.execute("UPDATE runs SET config = ?", (json.dumps(strange),))
    connection.commit()
    connection.close()
    run = catalog.run("r1")
    assert (run.config.preset, run.config.head.margin_rad, run.config.head.scale) == (
        "insightface",
        0.4,
        16.0,
    )
    problems = run.summary["config_problems"]
    assert len(problems) == 2
    assert any(text.startswith("head.sharpness: ") for text in problems)
    assert any(text.startswith("head.scale: ") for text in problems)
    catalog.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"these are not the rows that you are looking for" * 100)
    with pytest.raises(HomeError, match=r"catalog.sqlite is damaged .* Move the file away"):
        open_catalog(address(path))


def test_a_damaged_catalog_says_so_in_use(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    catalog = open_catalog(address(path))
    for number in range(60):
        catalog.add_run(f"r{number}", "", CONFIG)
    catalog.close()
    blob = bytearray(path.read_bytes())
    blob[4096:] = b"\xa5" * (len(blob) - 4096)
    path.write_bytes(bytes(blob))
    with pytest.raises(HomeError, match="damaged"):
        open_catalog(address(path)).runs()


def test_a_place_that_cannot_be_written_is_a_home_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HomeError, match="--home DIR"):
        open_catalog(address(tmp_path / "file" / "catalog.sqlite"))


def test_a_read_only_catalog_says_how_to_mend_it(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    catalog = open_catalog(address(path))
    catalog.add_run("r1", "", CONFIG)
    catalog.close()
    reader = open_catalog(f"sqlite:///file:{path.as_posix()}?mode=ro&uri=true")
    assert reader.run("r1").config == CONFIG
    with pytest.raises(HomeError, match="cannot be written"):
        reader.move_run("r1", RunState.STOPPED)
    reader.close()


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    catalog = open_catalog(address(tmp_path / "catalog.sqlite"))
    catalog.add_run("r1", "", CONFIG)
    with catalog._readers.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 4}")
    large = ControlRequest(0, "set", {"head.scale": "x" * 20_000})
    with pytest.raises(DiskFullError, match="No space is left for the catalog"):
        for _ in range(10):
            catalog.add_command("r1", large, requested_by="test")
    assert catalog.run("r1").config == CONFIG
    assert all(one.outcome == "pending" for one in catalog.commands("r1"))
    catalog.close()


def test_a_locked_catalog_says_who_to_look_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "catalog.sqlite"
    catalog = open_catalog(address(path))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HomeError, match="locked by another program"):
        catalog.add_run("r1", "", CONFIG)
    other.execute("ROLLBACK")
    other.close()
    assert catalog.add_run("r1", "", CONFIG).id == "r1"
    catalog.close()


def test_a_catalog_in_memory_is_refused() -> None:
    with pytest.raises(RequestError, match="cannot live in memory"):
        open_catalog("sqlite://")


def test_the_catalog_uses_wal_and_a_rollback_journal_on_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_catalog(address(tmp_path / "local.sqlite")).close()
    assert journal_of(tmp_path / "local.sqlite") == "wal"
    monkeypatch.setattr(journal, "on_network", lambda path: True)
    open_catalog(address(tmp_path / "shared.sqlite")).close()
    assert journal_of(tmp_path / "shared.sqlite") == "delete"
    open_catalog(address(tmp_path / "local.sqlite")).close()
    assert journal_of(tmp_path / "local.sqlite") == "delete", "a home that moved to a network leaves WAL"


def test_databases_without_a_change_counter_have_one_made_of_rows(tmp_path: Path) -> None:
    catalog = open_catalog(address(tmp_path / "catalog.sqlite"))
    counter = _NewestRows(catalog._readers)
    seen = [counter.read()]
    catalog.add_run("r1", "", CONFIG)
    seen.append(counter.read())
    asked = catalog.add_command("r1", ControlRequest(0, "pause"), requested_by="test")
    seen.append(counter.read())
    catalog.settle_command(asked.id, "applied", step=1, reason="", previous={})
    seen.append(counter.read())
    catalog.rename_run("r1", "new")
    seen.append(counter.read())
    assert len(set(seen)) == len(seen)
    assert counter.read() == seen[-1]
    counter.close()
    catalog.close()


def test_the_catalog_lies_in_the_home_whatever_letters_the_home_s_name_has(tmp_path: Path) -> None:
    root = tmp_path / "50% #1 a%20b \u017elut\u00fd"
    catalog = open_catalog(Home(root).ensure().catalog_url)
    catalog.add_run("r1", "", CONFIG)
    catalog.close()
    assert (root / "catalog.sqlite").is_file()
    assert [one.name for one in tmp_path.iterdir()] == [root.name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_question_mark_in_the_home_s_name_begins_no_options(tmp_path: Path) -> None:
    root = tmp_path / "why?mode=ro"
    catalog = open_catalog(Home(root).ensure().catalog_url)
    assert catalog.add_run("r1", "", CONFIG).id == "r1"
    catalog.close()
    assert (root / "catalog.sqlite").is_file()
