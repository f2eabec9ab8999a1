"""How far a step moved the parameters, against hand computation."""

from __future__ import annotations

import math

import pytest
import torch

from edgeft_core.diagnostics.signals import changes


def test_the_update_ratio_is_taken_over_all_tensors_together() -> None:
    before = [torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])]  # length 5
    after = [torch.tensor([3.0, 0.3]), torch.tensor([[4.4]])]  # moved by length 0.5
    assert float(changes.update_ratio(before, after)) == pytest.approx(0.1)


def test_what_does_not_move_has_a_ratio_of_zero_and_is_unchanged_throughout() -> None:
    weights = [torch.randn(4, 3), torch.randn(5)]
    assert float(changes.update_ratio(weights, weights)) == 0.0
    assert float(changes.unchanged_share(weights, weights)) == 1.0


def test_the_unchanged_share_counts_numbers_not_tensors() -> None:
    before = [torch.zeros(3), torch.zeros(1)]
    after = [torch.zeros(3), torch.ones(1)]
    assert float(changes.unchanged_share(before, after)) == pytest.approx(0.75)


def test_zeros_that_move_give_infinity_rather_than_an_error() -> None:
    assert math.isinf(float(changes.update_ratio([torch.zeros(2)], [torch.ones(2)])))


def test_a_rate_below_the_precision_of_a_weight_leaves_it_unchanged() -> None:
    weight = torch.ones(8)
    assert float(changes.unchanged_share([weight], [weight + 1e-9])) == 1.0
