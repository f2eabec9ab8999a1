"""The measurements behind probes and preflight, against slow independent computations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.diagnostics.probes.spread import nearest_other_mean, random_head_share, spread


def identities(
    people: int, images: int, *, noise: float, seed: int = 0, dim: int = 64
) -> tuple[Tensor, Tensor]:
    """Embeddings around one direction per person."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(people, dim, generator=generator)
    labels = torch.arange(people).repeat_interleave(images)
    return centres[labels] + noise * torch.randn(people * images, dim, generator=generator), labels


def slow_nearest_other_mean(z: Tensor, people: Tensor) -> float:
    hits = []
    for image in range(len(z)):
        scores = []
        for person in range(int(people.max()) + 1):
            others = [z[one] for one in range(len(z)) if people[one] == person and one != image]
            mean = torch.stack(others).sum(dim=0)
            scores.append(float(z[image] @ mean / mean.norm()))
        hits.append(scores.index(max(scores)) == int(people[image]))
    return sum(hits) / len(hits)


@pytest.mark.parametrize("noise", [0.5, 2.0, 6.0])
def test_nearest_mean_of_the_other_images_equals_the_slow_way(noise: float) -> None:
    emb, labels = identities(7, 3, noise=noise)
    z = normalize(emb, dim=1)
    assert nearest_other_mean(z, labels, centre=False) == pytest.approx(slow_nearest_other_mean(z, labels))


def test_an_image_never_votes_for_itself() -> None:
    """Unrelated embeddings: with their own image in the mean all would be right."""
    emb, labels = identities(50, 2, noise=1000.0)
    assert nearest_other_mean(normalize(emb, dim=1), labels, centre=False) < 0.2


def test_centring_brings_back_what_a_common_direction_hides() -> None:
    emb, labels = identities(20, 4, noise=1.0)
    shifted = emb + 60.0 * normalize(torch.ones(64), dim=0)
    found = spread(shifted, labels, 518)
    assert found.cos_different > 0.9
    assert found.nearest_mean_centred >= found.nearest_mean
    assert found.nearest_mean_centred > 0.9


def test_people_with_one_image_are_not_scored() -> None:
    emb, labels = identities(4, 1, noise=1.0)
    assert math.isnan(nearest_other_mean(normalize(emb, dim=1), labels, centre=False))


def test_one_point_gives_one_class_under_a_random_head_and_random_directions_few() -> None:
    point = normalize(torch.ones(100, 512), dim=1)
    share, expected = random_head_share(point, 518, seed=0)
    assert share == 1.0
    assert 0.01 < expected < 0.06


def test_the_share_under_a_random_head_grows_with_the_common_direction() -> None:
    """The simulated values of ten embeddings over 518 classes: .11 at mean cosine .5, .45 at .8 and so on."""
    generator = torch.Generator().manual_seed(1)
    shares = []
    for rho in (0.0, 0.8, 0.99):
        draws = []
        for seed in range(12):
            common = normalize(torch.randn(512, generator=generator), dim=0)
            own = normalize(torch.randn(10, 512, generator=generator), dim=1)
            z = normalize(math.sqrt(rho) * common + math.sqrt(1 - rho) * own, dim=1)
            draws.append(random_head_share(z, 518, seed=seed)[0])
        shares.append(sum(draws) / len(draws))
    assert shares[0] == pytest.approx(0.11, abs=0.04)
    assert shares[1] == pytest.approx(0.45, abs=0.08)
    assert shares[2] == pytest.approx(0.85, abs=0.08)


def test_d_prime_of_unrelated_labels_stays_within_three_standard_errors() -> None:
    outside = 0
    for seed in range(40):
        emb, labels = identities(30, 3, noise=1.0, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        found = spread(emb, labels[torch.randperm(len(labels), generator=generator)], 30)
        outside += abs(found.d_prime) > 3.0 * found.d_prime_error
    assert outside <= 2


def test_values_are_finite_and_carry_their_prefix() -> None:
    emb, labels = identities(3, 1, noise=1.0)
    values = spread(emb, labels, 10).as_values("fresh.")
    assert "fresh.cos_different" in values
    assert "fresh.d_prime" not in values, "nobody has two images"
    assert all(math.isfinite(value) for value in values.values())
