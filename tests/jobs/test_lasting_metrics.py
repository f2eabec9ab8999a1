"""A metrics file that is damaged under its writer."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

from edgeft_core.jobs.worker.lasting_metrics import LastingMetrics
from edgeft_core.store import open_metrics_reader
from tests.store.build_files import CLASSES, batch

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_a_writer_that_meets_damage_goes_on_in_a_new_file_and_keeps_the_old_one(tmp_path: Path) -> None:
    path, told = tmp_path / "metrics.sqlite", list[str]()
    metrics = LastingMetrics(path, CLASSES, told.append)
    metrics.put_facts({"device": "cpu"})
    for step in range(1, 400):
        metrics.add_batch(batch(step), at=NOW, epoch_total=step / 50)
    metrics.flush()
    connection = metrics._writer._connection  # type: ignore[union-attr]
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA cache_size=1")  # what is cached would hide the damage for a while
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(path.stat().st_size))
    for step in range(400, 500):
        metrics.add_batch(batch(step), at=NOW, epoch_total=step / 50)
        metrics.flush()
    metrics.close()
    (sentence,) = told
    assert "set aside as metrics.sqlite.damaged-1" in sentence
    assert (tmp_path / "metrics.sqlite.damaged-1").stat().st_size > 0
    with open_metrics_reader(path) as reader:
        assert reader.last_step() == 499
        assert reader.facts()["device"] == "cpu"
        assert not reader.problem


def test_one_kept_file_does_not_take_the_place_of_another(tmp_path: Path) -> None:
    path, told = tmp_path / "metrics.sqlite", list[str]()
    for _ in range(2):
        path.write_bytes(b"no database " * 1000)
        LastingMetrics(path, CLASSES, told.append).close()
    assert sorted(one.name for one in tmp_path.glob("*.damaged-*")) == [
        "metrics.sqlite.damaged-1",
        "metrics.sqlite.damaged-2",
    ]
    assert len(told) == 2
