"""Embeddings kept with a run: what comes back, how precise it is, and files in every condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeft_core.errors import HomeError
from edgeft_core.events import EmbeddingsTaken
from edgeft_core.store.embeddings import (
    embeddings_file,
    forget_embeddings_after,
    read_embeddings,
    write_embeddings,
)

DIM = 64


def unit(rows: Any) -> Any:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def taken(images: int = 50, classes: int = 7, *, spread: float = 1.0, step: int = 3) -> EmbeddingsTaken:
    """Embeddings around one direction; with a small ``spread`` nearly the same vector each."""
    draw = np.random.default_rng(0)
    shared = unit(draw.normal(size=(1, DIM)))
    z_ND = unit(shared + spread * draw.normal(size=(images, DIM)) / DIM**0.5)
    return EmbeddingsTaken(
        "validation",
        step,
        4 * images,
        draw.integers(0, classes, images),
        z_ND,
        unit(draw.normal(size=(classes, DIM))),
        z_ND.mean(axis=0),
    )


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    event = taken()
    write_embeddings(tmp_path, event)
    read = read_embeddings(tmp_path, "validation")
    assert read is not None
    assert (read.split, read.step, read.total) == ("validation", 3, 200)
    np.testing.assert_array_equal(read.labels_N, event.labels_N)
    np.testing.assert_array_equal(read.mean_D, event.mean_D)
    np.testing.assert_allclose(read.z_ND @ read.w_CD.T, event.z_ND @ event.w_CD.T, atol=1e-4)
    assert read_embeddings(tmp_path, "train") is None


@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-3])
def test_the_differences_between_collapsed_embeddings_survive(tmp_path: Path, spread: float) -> None:
    event = taken(spread=spread)
    write_embeddings(tmp_path, event)
    read = read_embeddings(tmp_path, "validation")
    assert read is not None
    wanted = event.z_ND - event.z_ND.mean(axis=0)
    error = np.abs((read.z_ND - read.z_ND.mean(axis=0)) - wanted).max()
    assert error < 2e-3 * np.abs(wanted).max()


def test_a_thousand_embeddings_over_518_classes_take_less_than_two_megabytes(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    z_ND, w_CD = unit(draw.normal(size=(1000, 512))), unit(draw.normal(size=(518, 512)))
    write_embeddings(tmp_path, EmbeddingsTaken("train", 1, 1000, np.zeros(1000, int), z_ND, w_CD, z_ND[0]))
    assert embeddings_file(tmp_path, "train").stat().st_size < 2e6


def test_what_is_not_finite_comes_back_as_such(tmp_path: Path) -> None:
    event = taken()
    event.z_ND[4] = np.nan
    write_embeddings(tmp_path, event)
    read = read_embeddings(tmp_path, "validation")
    assert read is not None
    assert np.isnan(read.z_ND[4]).all()


def test_a_newer_set_replaces_the_older_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_embeddings(tmp_path, taken(step=3))
    write_embeddings(tmp_path, taken(step=9))
    read = read_embeddings(tmp_path, "validation")
    assert read is not None
    assert read.step == 9
    assert [one.name for one in (tmp_path / "embeddings").iterdir()] == ["validation.npz"]


def test_a_run_that_goes_on_from_a_checkpoint_forgets_what_came_later(tmp_path: Path) -> None:
    write_embeddings(tmp_path, taken(step=9))
    forget_embeddings_after(tmp_path, 9)
    assert read_embeddings(tmp_path, "validation") is not None
    forget_embeddings_after(tmp_path, 8)
    assert read_embeddings(tmp_path, "validation") is None


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not really", b"hello"])
def test_a_damaged_file_is_a_sentence(tmp_path: Path, damage: bytes) -> None:
    write_embeddings(tmp_path, taken())
    embeddings_file(tmp_path, "validation").write_bytes(damage)
    with pytest.raises(HomeError, match="delete the file"):
        read_embeddings(tmp_path, "validation")


def test_a_cut_file_is_a_sentence(tmp_path: Path) -> None:
    write_embeddings(tmp_path, taken())
    path = embeddings_file(tmp_path, "validation")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(HomeError, match="damaged"):
        read_embeddings(tmp_path, "validation")
