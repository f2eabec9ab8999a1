"""Verification scores by hand and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeft_core.evaluation.verification import score_pairs, verification

scores = st.lists(st.integers(-8, 8), min_size=1, max_size=30).map(lambda xs: np.array(xs, np.float64) / 8)


def test_separated_pairs_are_verified_without_error() -> None:
    found = score_pairs(np.array([0.8, 0.9]), np.array([-0.2, 0.1, 0.3]))
    assert (found.auc, found.eer) == (1.0, 0.0)


def test_equal_distributions_are_guessing() -> None:
    pairs = np.linspace(-1, 1, 201)
    found = score_pairs(pairs, pairs)
    assert found.auc == pytest.approx(0.5)
    assert found.eer == pytest.approx(0.5, abs=0.01)


@settings(deadline=None)
@given(scores, scores)
def test_auc_is_the_share_of_couples_in_the_right_order(genuine: np.ndarray, impostor: np.ndarray) -> None:
    right = (genuine[:, None] > impostor).mean() + (genuine[:, None] == impostor).mean() / 2
    assert score_pairs(genuine, impostor).auc == pytest.approx(right)


def test_tar_at_far_lets_in_no_more_impostors_than_allowed() -> None:
    impostor = np.arange(1000) / 1000
    genuine = np.array([0.5, 0.95, 0.992, 0.9995, 1.5])
    tar = score_pairs(genuine, impostor).tar_at_far
    # FAR .01 allows the ten impostors from .990 on: the threshold is .989.
    assert tar == {1e-1: 0.8, 1e-2: 0.6, 1e-3: 0.4}


def test_rates_that_the_impostor_pairs_cannot_resolve_are_left_out() -> None:
    assert set(score_pairs(np.ones(3), np.zeros(150)).tar_at_far) == {1e-1, 1e-2}


def test_all_pairs_are_formed_from_few_images_and_a_sample_from_many() -> None:
    random = np.random.default_rng(0)
    z = random.normal(size=(60, 8))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    labels = np.arange(60) // 3
    found = verification(z, labels)
    assert found is not None
    assert (found.genuine_pairs, found.impostor_pairs) == (60, 60 * 59 // 2 - 60)
    sampled = verification(z, labels, pairs=500)
    assert sampled is not None
    assert sampled.genuine_pairs == 60
    assert 400 < sampled.impostor_pairs <= 500


def test_without_a_genuine_pair_there_is_nothing_to_verify() -> None:
    assert verification(np.eye(4), np.arange(4)) is None
