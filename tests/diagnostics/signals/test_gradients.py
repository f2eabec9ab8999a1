"""The SR/HR term's share of the gradient against autograd."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from edgeft_core.diagnostics.signals.gradients import contrastive_share

SCALE, WEIGHT = 12.0, 0.3


def directions(n: int, seed: int) -> torch.Tensor:
    return normalize(torch.randn(n, 16, generator=torch.Generator().manual_seed(seed)), dim=1)


def share(z: torch.Tensor, twin: torch.Tensor, w: torch.Tensor, labels: torch.Tensor, weight: float) -> float:
    logits = SCALE * z @ w.T
    same = (z * twin).sum(dim=1)
    return float(contrastive_share(z, w, logits, labels, same, s_eff=SCALE, weight=weight))


def test_the_share_is_that_of_autograd_on_the_unit_sphere() -> None:
    z, twin, w, labels = directions(8, 0), directions(8, 1), directions(5, 2), torch.arange(8) % 5
    free = z.clone().requires_grad_()
    unit = normalize(free, dim=1)
    push = torch.autograd.grad(cross_entropy(SCALE * unit @ w.T, labels, reduction="sum"), free)[0]
    unit = normalize(free, dim=1)
    pull = torch.autograd.grad(WEIGHT * (1 - (unit * twin).sum(dim=1)).sum(), free)[0]
    by_autograd = pull.norm(dim=1).mean() / (pull.norm(dim=1).mean() + push.norm(dim=1).mean())
    assert share(z, twin, w, labels, WEIGHT) == pytest.approx(float(by_autograd), rel=1e-4)


def test_pairs_that_agree_do_not_pull() -> None:
    z = directions(8, 0)
    assert share(z, z, directions(5, 2), torch.arange(8) % 5, 10.0) == pytest.approx(0.0, abs=1e-3)


def test_a_larger_weight_pulls_a_larger_share() -> None:
    z, twin, w, labels = directions(8, 0), directions(8, 1), directions(5, 2), torch.arange(8) % 5
    shares = [share(z, twin, w, labels, weight) for weight in (0.1, 1.0, 100.0)]
    assert shares == sorted(shares)
    assert shares[-1] > 0.8
