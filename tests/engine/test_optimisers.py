"""Learning rates of each step, groups and clipping, by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from edgeft_core.config import StageConfig
from edgeft_core.engine.optimisers import build_optimiser, clip, rate_factor, set_rates


def test_a_constant_schedule_stays_at_its_peak() -> None:
    stage = StageConfig(schedule="constant")
    assert [rate_factor(stage, step, 100) for step in (0, 50, 99)] == [1.0, 1.0, 1.0]


def test_a_cosine_falls_from_its_peak_through_a_half_to_nearly_nothing() -> None:
    stage = StageConfig(schedule="cosine")
    assert rate_factor(stage, 0, 100) == 1.0
    assert rate_factor(stage, 25, 100) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))
    assert rate_factor(stage, 50, 100) == pytest.approx(0.5)
    assert 0.0 < rate_factor(stage, 99, 100) < 1e-3


def test_the_warm_up_rises_in_equal_steps_to_the_peak() -> None:
    stage = StageConfig(schedule="cosine", warmup_steps=4)
    assert [rate_factor(stage, step, 104) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rate_factor(stage, 54, 104) == pytest.approx(0.5)


def test_a_warm_up_longer_than_the_stage_never_divides_by_zero() -> None:
    stage = StageConfig(schedule="cosine", warmup_steps=1000)
    assert rate_factor(stage, 9, 10) == pytest.approx(10 / 1001)


def test_head_and_backbone_have_their_own_rates_and_share_the_decay() -> None:
    optimiser = build_optimiser(nn.Linear(2, 3), nn.Linear(4, 2))
    stage = StageConfig(train_backbone=True, head_lr=1e-2, backbone_lr=1e-4, weight_decay=0.1)
    assert set_rates(optimiser, stage, 0.5) == {"head": 5e-3, "backbone": 5e-5}
    assert [group["weight_decay"] for group in optimiser.param_groups] == [0.1, 0.1]


def test_a_frozen_backbone_is_no_group() -> None:
    assert [group["name"] for group in build_optimiser(nn.Linear(2, 3), None).param_groups] == ["head"]


def test_head_and_backbone_are_clipped_apart() -> None:
    head, backbone = nn.Linear(3, 1, bias=False), nn.Linear(3, 1, bias=False)
    head.weight.grad = torch.tensor([[3.0, 4.0, 0.0]])
    backbone.weight.grad = torch.tensor([[0.3, 0.4, 0.0]])
    norms = clip(build_optimiser(head, backbone), 1.0)
    assert {name: float(norm) for name, norm in norms.items()} == pytest.approx(
        {"head": 5.0, "backbone": 0.5}
    )
    assert head.weight.grad.norm() == pytest.approx(1.0, rel=1e-4)
    assert backbone.weight.grad.tolist() == [[pytest.approx(0.3), pytest.approx(0.4), 0.0]]


def test_the_fused_optimiser_skips_a_step_that_is_marked_as_not_finite() -> None:
    """What stops a step on CUDA without asking the device."""
    head = nn.Linear(3, 2)
    optimiser = build_optimiser(head, None)
    set_rates(optimiser, StageConfig(), 1.0)
    before = [one.detach().clone() for one in head.parameters()]
    for one in head.parameters():
        one.grad = torch.full_like(one, math.nan)
    optimiser.found_inf = torch.ones(())  # type: ignore[attr-defined]
    optimiser.step()
    assert all(map(torch.equal, before, head.parameters()))
