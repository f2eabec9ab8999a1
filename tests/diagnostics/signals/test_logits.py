"""Signals of logits against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from edgeft_core.diagnostics.signals import logits
from edgeft_core.diagnostics.signals.deviation import standard_deviation


def some_logits(rows: int = 16, classes: int = 30) -> torch.Tensor:
    return torch.randn(rows, classes, generator=torch.Generator().manual_seed(3)) * 4 + 1


def information(x: torch.Tensor) -> torch.Tensor:
    return logits.mutual_information(torch.softmax(x, dim=1), x, torch.logsumexp(x, dim=1))


def test_the_std_across_samples_is_per_class_and_that_across_classes_is_per_face() -> None:
    x = some_logits()
    assert float(logits.std_across_samples(x)) == pytest.approx(x.numpy().std(axis=0).mean(), rel=1e-5)
    assert float(logits.std_across_classes(x)) == pytest.approx(x.numpy().std(axis=1).mean(), rel=1e-5)


def test_a_model_that_ignores_its_input_has_no_std_across_samples_but_keeps_that_across_classes() -> None:
    x = some_logits(rows=1).repeat(16, 1)
    assert float(logits.std_across_samples(x)) == pytest.approx(0.0, abs=1e-6)
    assert float(logits.std_across_classes(x)) == pytest.approx(float(x[0].std(correction=0)))


def test_random_directions_give_scale_over_root_d() -> None:
    generator = torch.Generator().manual_seed(0)
    z = normalize(torch.randn(400, 512, generator=generator), dim=1)
    w = normalize(torch.randn(400, 512, generator=generator), dim=1)
    assert float(logits.std_across_samples(32 * z @ w.T)) == pytest.approx(32 / math.sqrt(512), rel=0.02)


def test_a_tiny_spread_around_a_large_mean_is_not_lost_in_rounding() -> None:
    x = 60.0 + 1e-3 * torch.randn(64, 8, generator=torch.Generator().manual_seed(1))
    exact = x.double().numpy().std(axis=0, ddof=1)
    assert standard_deviation(x, 0, correction=1).numpy() == pytest.approx(exact, rel=1e-3)


def test_mutual_information_is_zero_for_equal_predictions_and_ln_n_for_certain_distinct_ones() -> None:
    equal = some_logits(rows=1).repeat(8, 1)
    distinct = 1000 * torch.eye(8)
    assert float(information(equal)) == pytest.approx(0.0, abs=1e-5)
    assert float(information(distinct)) == pytest.approx(math.log(8), abs=1e-5)


def test_mutual_information_agrees_with_a_slow_computation() -> None:
    p = torch.softmax(some_logits().double(), dim=1).numpy()
    entropy = -(p * np.log(p)).sum(axis=1).mean()
    mean = p.mean(axis=0)
    slow = -(mean * np.log(mean)).sum() - entropy
    assert float(information(some_logits())) == pytest.approx(slow, rel=1e-4)


def test_the_nontarget_mean_leaves_the_own_class_out() -> None:
    cos = torch.tensor([[0.9, 0.1, 0.2], [0.3, 0.5, -0.1]])
    own = torch.tensor([0.9, 0.5])
    assert float(logits.nontarget_mean(cos.mean(), own, 3)) == pytest.approx((0.1 + 0.2 + 0.3 - 0.1) / 4)


def test_an_angle_that_the_margin_pushes_beyond_pi_is_counted() -> None:
    angles = torch.tensor([0.5, 2.0, 2.7, 3.0])
    assert float(logits.beyond_pi_share(torch.cos(angles), 0.3)) == pytest.approx(1 / 4)
    assert float(logits.beyond_pi_share(torch.cos(angles), 0.5)) == pytest.approx(2 / 4)


def test_top_1_with_margin_asks_the_own_class_to_win_after_the_margin() -> None:
    own, rival = torch.tensor([3.0, 2.0, 1.0]), torch.tensor([1.0, 2.5, 0.5])
    assert float(logits.top1_with_margin(own, rival)) == pytest.approx(2 / 3)


def test_scores_without_a_margin_have_no_gap_and_scores_with_one_show_it() -> None:
    cos = torch.tensor([0.2, 0.6])
    assert float(logits.own_logit_gap(cos, 16 * cos, 16.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(logits.own_logit_gap(cos, 16 * (cos - 0.25), 16.0)) == pytest.approx(4.0)


def test_top_k_counts_an_image_whose_class_is_among_the_k_best() -> None:
    x = torch.tensor([[5.0, 4.0, 3.0, 2.0], [2.0, 3.0, 4.0, 5.0]])
    labels = torch.tensor([1, 0])
    assert logits.top_k_hits(x, labels, 1).tolist() == [False, False]
    assert logits.top_k_hits(x, labels, 2).tolist() == [True, False]
    assert logits.top_k_hits(x, labels, 4).tolist() == [True, True]


def test_ties_count_against_the_model() -> None:
    assert not logits.top_k_hits(torch.zeros(3, 10), torch.tensor([0, 4, 9]), 5).any()


def test_dividing_by_a_temperature_never_changes_top_k() -> None:
    x, labels = some_logits(rows=64), torch.randint(0, 30, (64,))
    for temperature in (0.25, 4.0):
        for k in (1, 5):
            assert torch.equal(logits.top_k_hits(x, labels, k), logits.top_k_hits(x / temperature, labels, k))


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=1, max_size=6))
def test_the_best_class_is_the_first_of_equals(rows: list[list[int]]) -> None:
    logits_BC = torch.tensor(rows, dtype=torch.float32)
    best_B, class_B = logits.first_best(logits_BC)
    assert best_B.tolist() == [max(row) for row in rows]
    assert class_B.tolist() == [row.index(max(row)) for row in rows]
