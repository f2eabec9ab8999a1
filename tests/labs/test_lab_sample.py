"""What the lab takes in: the cosines that the head itself would see, a bounded number of them, and plain refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from edgeft_core.config import HeadConfig
from edgeft_core.errors import DataError
from edgeft_core.events import EmbeddingsTaken
from edgeft_core.labs.what_if.sample import images_for, lab_sample
from edgeft_core.models.heads import build_head

N, C, D = 30, 7, 16


def unit(rows: Any) -> Any:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def taken() -> EmbeddingsTaken:
    draw = np.random.default_rng(3)
    z_ND = unit(draw.normal(size=(N, D)) + 2)
    return EmbeddingsTaken(
        "validation", 12, 90, draw.integers(0, C, N), z_ND, unit(draw.normal(size=(C, D))), z_ND.mean(axis=0)
    )


def test_cosines_are_those_of_the_head_with_and_without_centring(taken: EmbeddingsTaken) -> None:
    sample = lab_sample(taken)
    head = build_head(HeadConfig(), D, C).eval()
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(3 * taken.w_CD))
        head.running_mean.average_D.copy_(torch.from_numpy(taken.mean_D))
        head.running_mean.total.fill_(1)
        plain = head.cosines(torch.from_numpy(5 * taken.z_ND)).numpy()
        head.centre = True
        moved = head.cosines(torch.from_numpy(5 * taken.z_ND)).numpy()
    np.testing.assert_allclose(sample.cos_NC, plain, atol=1e-6)
    np.testing.assert_allclose(sample.centred_NC, moved, atol=1e-5)
    assert (sample.images, sample.n_classes, sample.dim, sample.total, sample.step) == (N, C, D, 90, 12)


def test_rivals_are_the_nearest_other_classes(taken: EmbeddingsTaken) -> None:
    sample = lab_sample(taken)
    for row, label in enumerate(taken.labels_N.tolist()):
        _, rival = max((float(sample.cos_NC[row, c]), c) for c in range(C) if c != label)
        angle = np.arccos(np.clip(taken.w_CD[label] @ taken.w_CD[rival], -1, 1))
        assert sample.rival_N[row] == pytest.approx(angle, abs=1e-3)


def test_so_many_images_as_a_slider_can_follow() -> None:
    assert images_for(40) == 1000
    assert images_for(518) == 1000
    assert images_for(6000) == 100
    assert images_for(100_000) == 64


def test_a_larger_set_is_thinned_evenly(taken: EmbeddingsTaken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.labs.what_if.sample.images_for", lambda _: 4)
    sample = lab_sample(taken)
    assert sample.labels_N.tolist() == taken.labels_N[[0, 10, 19, 29]].tolist()


def test_embeddings_that_are_not_finite_are_left_out_and_counted(taken: EmbeddingsTaken) -> None:
    taken.z_ND[[2, 5]] = np.nan
    sample = lab_sample(taken)
    assert (sample.images, sample.left_out) == (N - 2, 2)
    assert np.isfinite(sample.cos_NC).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"z_ND": np.full((N, D), np.nan, np.float32)}, "embeddings of step 12 are not finite"),
        ({"w_CD": np.full((C, D), np.inf, np.float32)}, "class weights of step 12 are not finite"),
        ({"w_CD": np.ones((C, D + 1), np.float32)}, "do not fit together"),
        ({"w_CD": np.ones((3, D), np.float32)}, "A label is 6, but the head has 3 classes"),
        ({"w_CD": np.ones((1, D), np.float32)}, "one class"),
        ({"labels_N": np.zeros(0, np.int64), "z_ND": np.zeros((0, D), np.float32)}, "no image"),
    ],
)
def test_what_cannot_be_looked_at_is_a_sentence(
    taken: EmbeddingsTaken, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        lab_sample(replace(taken, **change))


def test_another_number_of_classes_than_the_run_has_is_a_sentence(taken: EmbeddingsTaken) -> None:
    lab_sample(taken, n_classes=C)
    with pytest.raises(DataError, match="over 7 classes, but this run has 40"):
        lab_sample(taken, n_classes=40)
