"""Batches: every image once, in an order that seed and epoch alone decide, however they are read."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeft_core.config import DataConfig
from edgeft_core.data import FaceDataset, batches, open_dataset
from edgeft_core.data.batches import Batch, BatchLoader, loader_workers
from edgeft_core.errors import DataError
from tests.data.folders import write_identities


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> FaceDataset:
    folder = tmp_path_factory.mktemp("batches")
    root = write_identities(folder / "faces", {"a": 10, "b": 9, "c": 8})
    config = DataConfig(source=str(root), image_px=40, low_res_px=16)
    return open_dataset(config, seed=1, cache=folder / "cache")


def loader(
    data: FaceDataset, *, batch_size: int = 4, workers: int = 0, drop_last: bool = False
) -> BatchLoader:
    return BatchLoader(
        data, "train", batch_size=batch_size, seed=3, shuffle=True, workers=workers, drop_last=drop_last
    )


def equal(one: Batch, other: Batch) -> bool:
    names = ("indices_B", "hr_B3HW", "lr_B3hw", "labels_B")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_batch_holds_the_pixels_and_labels_of_its_indices(data: FaceDataset) -> None:
    batch = next(loader(data).epoch(0))
    indices = batch.indices_B.numpy()
    np.testing.assert_array_equal(batch.hr_B3HW.permute(0, 2, 3, 1).numpy(), data.read_hr(indices))
    assert batch.lr_B3hw is not None
    np.testing.assert_array_equal(batch.lr_B3hw.permute(0, 2, 3, 1).numpy(), data.read_lr(indices))
    np.testing.assert_array_equal(batch.labels_B.numpy(), data.labels_N[indices])
    assert batch.hr_B3HW.dtype == torch.uint8
    assert batch.hr_B3HW.shape == (4, 3, 40, 40)
    assert batch.lr_B3hw.shape == (4, 3, 16, 16)
    assert batch.labels_B.dtype == torch.int64


def test_an_epoch_holds_every_image_of_its_split_once(data: FaceDataset) -> None:
    seen = torch.cat([batch.indices_B for batch in loader(data).epoch(0)])
    assert sorted(seen.tolist()) == data.splits["train"].tolist()


def test_epochs_differ_and_repeat(data: FaceDataset) -> None:
    one = loader(data)
    assert one.order(0).tolist() != one.order(1).tolist()
    assert one.order(1).tolist() == loader(data).order(1).tolist()


def test_without_shuffling_the_order_is_that_of_the_split(data: FaceDataset) -> None:
    plain = BatchLoader(data, "validation", batch_size=2, seed=3, shuffle=False, workers=0)
    seen = torch.cat([batch.indices_B for batch in plain.epoch(7)])
    assert seen.tolist() == data.splits["validation"].tolist()


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 25), st.integers(0, 30), st.booleans())
def test_a_resumed_epoch_goes_on_where_it_stopped(
    data: FaceDataset, batch_size: int, start: int, drop_last: bool
) -> None:
    one = loader(data, batch_size=batch_size, drop_last=drop_last)
    whole = list(one.epoch(2))
    assert len(whole) == len(one)
    rest = list(one.epoch(2, start_batch=start))
    assert len(rest) == max(0, len(whole) - start)
    assert all(equal(a, b) for a, b in zip(rest, whole[start:], strict=True))


def test_dropping_the_last_batch_never_leaves_an_epoch_empty(data: FaceDataset) -> None:
    n = len(data.splits["train"])
    assert [len(loader(data, batch_size=b, drop_last=True)) for b in (n - 1, n, n + 1)] == [1, 1, 1]
    assert len(loader(data, batch_size=n - 1)) == 2


def test_low_resolution_is_read_only_where_it_is_asked_for(data: FaceDataset) -> None:
    plain = BatchLoader(data, "train", batch_size=4, seed=3, shuffle=True, workers=0, low_res=False)
    assert next(plain.epoch(0)).lr_B3hw is None


def test_windows_reads_without_processes_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert loader_workers(None) == 0
    assert loader_workers(3) == 3
    monkeypatch.setattr(sys, "platform", "darwin")
    assert loader_workers(None) == 2


@pytest.mark.slow
def test_processes_give_the_same_batches_epoch_after_epoch(
    data: FaceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, together = loader(data), loader(data, workers=2)
    monkeypatch.setattr(batches, "_WHILE_STARTING", 1)  # of five: the others come from the processes
    try:
        for epoch, start in ((0, 0), (1, 2)):
            pairs = zip(alone.epoch(epoch, start), together.epoch(epoch, start), strict=True)
            assert all(equal(one, other) for one, other in pairs)
        next(together.epoch(2))  # left in the middle
        assert all(equal(one, other) for one, other in zip(alone.epoch(3), together.epoch(3), strict=True))
        assert not together.fallback
    finally:
        together.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills with a POSIX signal")
def test_when_processes_die_reading_goes_on_without_them(
    data: FaceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_WHILE_STARTING", 0)
    alone, together = loader(data), loader(data, workers=1)
    going = together.epoch(0)
    first = next(going)
    assert together._loader is not None
    for worker in together._loader._iterator._workers:  # type: ignore[union-attr]
        os.kill(worker.pid, signal.SIGKILL)
    seen = [first, *going]
    assert all(equal(one, other) for one, other in zip(alone.epoch(0), seen, strict=True))
    assert "images are now read without them" in together.fallback


@pytest.mark.slow
def test_the_first_batches_are_read_here_while_processes_start(data: FaceDataset) -> None:
    together = loader(data, workers=1)
    try:
        pairs = list(zip(together.epoch(0), loader(data).epoch(0), strict=True))
        assert all(equal(one, other) for one, other in pairs)
        assert len(pairs) < batches._WHILE_STARTING
    finally:
        together.close()


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_file_that_vanished_is_named(tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_WHILE_STARTING", 0)
    root = write_identities(tmp_path / "faces", {"a": 3, "b": 3})
    (tmp_path / "cache").write_text("no cache can be kept here")
    data = open_dataset(DataConfig(source=str(root), image_px=40), seed=1, cache=tmp_path / "cache")
    for path in root.rglob("*.png"):
        path.unlink()
    one = loader(data, workers=workers)
    try:
        with pytest.raises(DataError, match="could be read when the run began and no longer can") as caught:
            list(one.epoch(0))
        assert "Traceback" not in str(caught.value)
    finally:
        one.close()
