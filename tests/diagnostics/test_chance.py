"""What guessing scores, against counting and simulation."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from edgeft_core.diagnostics.chance import max_share_chance, top_k_band, top_k_chance


def test_top_5_over_518_classes_is_just_under_one_percent() -> None:
    assert top_k_chance(5, 518) == pytest.approx(0.00965, abs=5e-6)


def test_top_k_of_fewer_classes_than_k_is_certain() -> None:
    assert top_k_chance(5, 3) == 1.0


def test_the_band_holds_what_the_binomial_says() -> None:
    n, p = 64, 1 / 10
    low, high = top_k_band(1, 10, n, level=0.9)
    weights = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    inside = sum(weights[round(low * n) : round(high * n) + 1])
    narrower = sum(weights[round(low * n) + 1 : round(high * n)])
    assert inside >= 0.9 > narrower


@pytest.mark.parametrize(("images", "expected"), [(64, 0.0625), (256, 0.0234), (1036, 0.0106)])
def test_the_largest_share_of_guessing_over_518_classes_has_its_known_quantile(
    images: int, expected: float
) -> None:
    assert max_share_chance(518, images) == pytest.approx(expected, abs=5e-5)


def test_the_quantile_of_the_largest_share_agrees_with_a_simulation() -> None:
    random = np.random.default_rng(0)
    largest = [np.bincount(random.integers(0, 50, 200), minlength=50).max() for _ in range(4000)]
    assert np.mean(np.array(largest) / 200 > max_share_chance(50, 200, level=0.99)) <= 0.01
