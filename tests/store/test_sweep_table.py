"""The table of a sweep: whole or not there, kept over a restart of its worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeft_core.errors import HomeError
from edgeft_core.store import SweepTableWriter, read_sweep_table

HEADS = ({"head.scale": 4.0, "head.centre": True}, {"head.scale": 8.0, "head.centre": False})


def writer(path: Path, heads: tuple[dict[str, object], ...] = HEADS) -> SweepTableWriter:  # type: ignore[assignment]
    return SweepTableWriter(path, heads, (0, 1, 10), (0.0, 0.1, 1.0))


def test_what_was_measured_is_read_back_and_the_rest_is_missing(tmp_path: Path) -> None:
    one = writer(tmp_path / "sweep.npz")
    one.put(1, 0, {"val_loss": np.array([2.0, 3.0], np.float32)})
    one.put(10, 1, {"val_loss": np.array([1.0], np.float32)})
    one.flush()
    table = read_sweep_table(tmp_path / "sweep.npz")
    assert table is not None
    assert table.heads == HEADS
    assert table.step_F.tolist() == [0, 1, 10]
    np.testing.assert_array_equal(table.values["val_loss"], [[np.nan, 2, np.nan], [np.nan, 3, 1]])


def test_nothing_is_on_disk_before_a_flush_and_no_second_file_after_it(tmp_path: Path) -> None:
    one = writer(tmp_path / "sweep.npz")
    assert read_sweep_table(tmp_path / "sweep.npz") is None
    one.flush()
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.npz"]


def test_a_worker_that_goes_on_keeps_the_looks_of_the_one_before(tmp_path: Path) -> None:
    first = writer(tmp_path / "sweep.npz")
    first.put(1, 0, {"top1": np.array([0.1, 0.2], np.float32)})
    first.flush()
    second = writer(tmp_path / "sweep.npz")
    second.put(10, 0, {"top1": np.array([0.3, 0.4], np.float32)})
    second.flush()
    table = read_sweep_table(tmp_path / "sweep.npz")
    assert table is not None
    np.testing.assert_allclose(table.values["top1"][:, 1:], [[0.1, 0.3], [0.2, 0.4]])


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_table_is_told_in_a_sentence_and_measured_anew(
    tmp_path: Path, damage: bytes | None
) -> None:
    path = tmp_path / "sweep.npz"
    one = writer(path)
    one.put(1, 0, {"top1": np.array([0.1, 0.2], np.float32)})
    one.flush()
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    with pytest.raises(HomeError, match="is damaged"):
        read_sweep_table(path)
    writer(path).flush()
    assert read_sweep_table(path) is not None
