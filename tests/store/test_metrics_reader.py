"""Files in every condition: absent, empty, being made, old, new, damaged; and many readers at once."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from edgeft_core.errors import HomeError
from edgeft_core.store import open_metrics_reader, open_metrics_writer
from edgeft_core.store.metrics.layout import read_only_uri
from edgeft_core.store.metrics.reader import SqliteMetricsReader
from tests.store.build_files import CLASSES, METRICS_V1, STEPS, batch
from tests.store.recording import Recording, Row

FILES = Path(__file__).parent / "files"


def is_empty(reader: SqliteMetricsReader) -> bool:
    """Every question is answered, with nothing."""
    counts, labels, images = reader.window_counts(100)
    return (
        reader.last_step() == images == len(counts) == len(labels) == 0
        and reader.keys() == ()
        and reader.view(["loss"]).total == 0
        and list(reader.view(["loss"]).low) == ["loss"]
        and reader.sparse(["val_top1"]).total == 0
        and reader.tail(["loss"], 5).total == 0
        and len(reader.histograms().step_V) == 0
        and reader.latest() == {}
        and reader.samples("train") is None
        and reader.facts() == {}
    )


def test_an_absent_file_is_empty_and_is_not_created(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    with open_metrics_reader(path) as reader:
        assert is_empty(reader)
        assert reader.problem == ""
    assert not path.exists()


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    path.touch()
    with open_metrics_reader(path) as reader:
        assert is_empty(reader)
        assert reader.problem == ""


def test_a_file_without_its_tables_yet_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    with open_metrics_reader(path) as reader:
        assert is_empty(reader)
    connection.close()


def test_a_reader_sees_the_file_once_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    with open_metrics_reader(path) as reader:
        assert is_empty(reader)
        writer = open_metrics_writer(path, CLASSES)
        Recording().add(writer, Row(1, {"loss": 2.0}, (1,), (1,)))
        writer.flush()
        assert reader.latest() == {"loss": 2.0}
        writer.close()


def test_a_file_of_format_1_is_read_whole(tmp_path: Path) -> None:
    copy = Path(shutil.copy(FILES / METRICS_V1, tmp_path))
    with open_metrics_reader(copy) as reader:
        assert (reader.last_step(), reader.n_classes()) == (STEPS, CLASSES)
        assert reader.keys() == ("loss", "top1", "grad_norm_backbone", "val_top1")
        view = reader.view(["loss", "grad_norm_backbone"], points=STEPS)
        expected = [batch(step).scalars["loss"] for step in range(1, STEPS + 1)]
        np.testing.assert_allclose(view.low["loss"], expected, rtol=1e-6)
        assert np.isnan(view.low["grad_norm_backbone"][:200]).all()
        assert reader.view(["loss"], points=40).total == STEPS
        assert reader.histograms(columns=5).counts_VC.sum() == STEPS * 8
        assert reader.sparse(["val_top1"]).high["val_top1"].tolist() == pytest.approx([0.15, 0.3])
        samples = reader.samples("validation")
        assert samples is not None
        assert samples.items_N == ("a/1.png", "b/2.png")
        assert reader.facts()["device"] == "cpu"
    writer = open_metrics_writer(copy, CLASSES)
    Recording().add(writer, Row(STEPS + 1, {"loss": 0.5}, (1,), (1,)))
    writer.close()
    with open_metrics_reader(copy) as reader:
        assert reader.last_step() == STEPS + 1


def test_a_file_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    open_metrics_writer(path, CLASSES).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=9")
    connection.close()
    with open_metrics_reader(path) as reader, pytest.raises(HomeError, match="newer version of EdgeFT"):
        reader.last_step()
    with pytest.raises(HomeError, match="newer version of EdgeFT"):
        open_metrics_writer(path, CLASSES)


def test_a_file_that_is_no_database_reads_as_empty_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    path.write_bytes(b"\x00\x01not a database at all" * 500)
    with open_metrics_reader(path) as reader:
        assert is_empty(reader)
        assert "damaged" in reader.problem
        assert str(path) in reader.problem


def test_a_file_with_damaged_pages_never_raises_and_says_so(tmp_path: Path) -> None:
    path = Path(shutil.copy(FILES / METRICS_V1, tmp_path))
    blob = bytearray(path.read_bytes())
    blob[8192:] = b"\x5a" * (len(blob) - 8192)
    path.write_bytes(bytes(blob))
    with open_metrics_reader(path) as reader:
        is_empty(reader)
        assert "damaged" in reader.problem
    with pytest.raises(HomeError, match="damaged"):
        open_metrics_writer(path, CLASSES)


def test_threads_share_a_reader_while_the_run_is_written(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    writer = open_metrics_writer(path, CLASSES)
    failures: list[BaseException] = []
    finished = threading.Event()

    def look(reader: SqliteMetricsReader) -> None:
        try:
            while not finished.is_set():
                view = reader.view(["loss"], points=30)
                assert view.total == (view.last_step_V[-1] if view.total else 0), "one moment, whole"
                reader.histograms(columns=10)
        except BaseException as error:
            failures.append(error)

    with open_metrics_reader(path) as reader:
        threads = [threading.Thread(target=look, args=(reader,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        recording = Recording()
        for step in range(1, 301):
            recording.add(writer, Row(step, {"loss": 1.0}, (1,), (2,)))
            writer.flush()
        finished.set()
        for thread in threads:
            thread.join()
    writer.close()
    assert failures == []


def test_a_path_with_spaces_percent_signs_and_other_scripts_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a 100% #1? \u017elut\u00fd" / "metrics.sqlite"
    writer = open_metrics_writer(path, CLASSES)
    Recording().add(writer, Row(1, {"loss": 2.0}, (1,), (1,)))
    writer.flush()
    with open_metrics_reader(path) as reader:
        assert reader.last_step() == 1
    writer.close()


def test_the_address_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    open_metrics_writer(path, CLASSES).close()
    uri = read_only_uri(path)
    assert uri.startswith("file:///")
    assert uri.endswith("?mode=ro")
    connection = sqlite3.connect(uri, uri=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM facts")
    connection.close()
