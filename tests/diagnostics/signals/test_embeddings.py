"""Embedding signals against slow independent computations and the reference values."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.diagnostics.signals import embeddings

D = 512


def with_common_direction(mean_cosine: float, n: int = 2000, seed: int = 0) -> Tensor:
    """Unit vectors whose mean pairwise cosine is ``mean_cosine``."""
    generator = torch.Generator().manual_seed(seed)
    own = normalize(torch.randn(n, D, generator=generator), dim=1)
    common = normalize(torch.randn(1, D, generator=generator), dim=1)
    return normalize(math.sqrt(1 - mean_cosine) * own + math.sqrt(mean_cosine) * common, dim=1)


@pytest.mark.parametrize(
    ("mean_cosine", "level"), [(0.0, 0.01), (0.5, 0.30), (0.9, 0.69), (0.99, 0.90), (0.999999, 1.0)]
)
def test_the_collapse_level_has_its_reference_values(mean_cosine: float, level: float) -> None:
    z = with_common_direction(mean_cosine)
    assert float(embeddings.collapse_level(z)) == pytest.approx(level, abs=0.011)


def test_the_collapse_level_of_a_small_batch_is_that_of_many_images() -> None:
    z = with_common_direction(0.5, n=4096)
    small = torch.stack([embeddings.collapse_level(part) for part in z.view(128, 32, D)]).mean()
    assert float(small) == pytest.approx(float(embeddings.collapse_level(z)), abs=0.01)


def test_identical_embeddings_are_fully_collapsed() -> None:
    z = with_common_direction(0.0, n=1).repeat(32, 1)
    assert float(embeddings.collapse_level(z)) == pytest.approx(1.0, abs=1e-4)


def test_the_cosine_of_different_people_is_the_mean_over_their_pairs() -> None:
    z = with_common_direction(0.4, n=12)
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 3, 3, 4, 4, 4, 4])
    pairs = [
        float(np.dot(z[i].numpy(), z[j].numpy()))
        for i, j in itertools.combinations(range(12), 2)
        if labels[i] != labels[j]
    ]
    assert float(embeddings.cos_different(z, labels)) == pytest.approx(np.mean(pairs), abs=1e-6)


def test_a_batch_of_one_person_has_no_cosine_of_different_people() -> None:
    value = embeddings.cos_different(with_common_direction(0.1, n=4), torch.zeros(4, dtype=torch.long))
    assert math.isnan(float(value))


def test_same_image_cosine_is_one_for_twins_and_minus_one_for_opposites() -> None:
    z = with_common_direction(0.2, n=8)
    assert float(embeddings.cos_same_image(z, z)) == pytest.approx(1.0, abs=1e-6)
    assert float(embeddings.cos_same_image(z, -z)) == pytest.approx(-1.0, abs=1e-6)


def slow_effective_rank(z_ND: npt.NDArray[np.float32]) -> float:
    values = np.linalg.svd(z_ND.astype(np.float64), compute_uv=False)
    share = values / values.sum()
    return float(np.exp(-sum(p * np.log(p) for p in share if p > 0)))


def test_effective_rank_agrees_with_numpy() -> None:
    z = with_common_direction(0.7, n=60)
    assert float(embeddings.effective_rank(z)) == pytest.approx(slow_effective_rank(z.numpy()), rel=1e-4)


def test_effective_rank_counts_equal_directions() -> None:
    z = torch.eye(7).repeat(3, 1)
    assert float(embeddings.effective_rank(z)) == pytest.approx(7.0, rel=1e-5)


def test_point_collapse_is_low_raw_and_high_centred_while_dimensional_collapse_is_low_in_both() -> None:
    point = with_common_direction(0.999, n=200)
    plane = normalize(torch.randn(200, 2, generator=torch.Generator().manual_seed(0)), dim=1)
    plane = torch.cat([plane, torch.zeros(200, D - 2)], dim=1)
    assert float(embeddings.effective_rank(point)) < 0.5 * float(embeddings.effective_rank_centred(point))
    assert float(embeddings.effective_rank_centred(plane)) < 2.01


def test_uniformity_is_zero_for_one_point_and_near_minus_four_for_an_even_spread() -> None:
    assert float(embeddings.uniformity(with_common_direction(0.0, n=1).repeat(10, 1))) == pytest.approx(
        0.0, abs=1e-5
    )
    assert float(embeddings.uniformity(with_common_direction(0.0))) == pytest.approx(-3.98, abs=0.02)


def test_uniformity_agrees_with_a_loop_over_pairs() -> None:
    z = with_common_direction(0.3, n=20)
    terms = [
        math.exp(-2 * float((z[i] - z[j]).square().sum())) for i, j in itertools.combinations(range(20), 2)
    ]
    assert float(embeddings.uniformity(z)) == pytest.approx(math.log(np.mean(terms)), abs=1e-5)


def test_alignment_is_the_squared_distance_of_pairs() -> None:
    z, twin = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert float(embeddings.alignment(z, twin)) == pytest.approx((0 + 2) / 2)
