"""Closed forms against the published values and against direct computation."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from edgeft_core.diagnostics.theory import (
    adacos_scale,
    attainable_probability,
    cosface_scale_bound,
    effective_scale,
    expected_first_loss,
    plateau_loss,
    random_logit_std,
)


def test_the_reported_fix_can_reach_a_probability_of_one_and_a_half_percent_at_most() -> None:
    assert attainable_probability(effective_scale(8.0, 4.0), 518) == pytest.approx(0.0141, abs=1e-4)


def test_adacos_and_cosface_give_their_known_scales_for_518_classes() -> None:
    assert adacos_scale(518) == pytest.approx(8.84, abs=5e-3)
    assert cosface_scale_bound(518, 0.95) == pytest.approx(9.17, abs=5e-3)


def test_at_the_cosface_bound_on_a_perfect_simplex_the_target_has_that_probability() -> None:
    n, s = 518, cosface_scale_bound(518, 0.95)
    others = (n - 1) * math.exp(-s / (n - 1))
    assert math.exp(s) / (math.exp(s) + others) == pytest.approx(0.95, abs=1e-6)


def test_the_expected_first_loss_is_that_of_random_directions() -> None:
    torch.manual_seed(0)
    n_classes, d, s, m = 518, 512, 16.0, 0.2
    cos = normalize(torch.randn(4096, d), dim=1) @ normalize(torch.randn(n_classes, d), dim=1).T
    labels = torch.randint(0, n_classes, (4096,))
    own = torch.cos(torch.acos(cos.gather(1, labels[:, None])) + m)
    loss = cross_entropy(s * cos.scatter(1, labels[:, None], own), labels)
    assert expected_first_loss(n_classes, s, m, d) == pytest.approx(float(loss), rel=0.01)


def test_the_plateau_is_the_loss_at_which_every_cosine_is_one() -> None:
    s, m = 32.0, 0.3
    logits = torch.full((1, 518), s)
    logits[0, 7] = s * math.cos(m)
    assert plateau_loss(518, s, m) == pytest.approx(float(cross_entropy(logits, torch.tensor([7]))), rel=1e-5)


def test_random_directions_give_logits_of_scale_over_root_d() -> None:
    torch.manual_seed(0)
    cos = normalize(torch.randn(500, 512), dim=1) @ normalize(torch.randn(500, 512), dim=1).T
    assert random_logit_std(16.0, 512) == pytest.approx(float((16.0 * cos).std()), rel=0.01)
