"""The four EdgeFace variants: sizes, names and low-rank layers as published."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgeft_core.models import BACKBONES
from edgeft_core.models.edgeface import VARIANTS
from edgeft_core.models.low_rank import LowRankLinear, factor_linears, rank_for

PARAMETERS_M = {
    "edgeface_xxs": 1.24,
    "edgeface_xs_gamma_06": 1.77,
    "edgeface_s_gamma_05": 3.65,
    "edgeface_base": 18.23,
}


def test_every_variant_has_a_function() -> None:
    assert set(BACKBONES) == set(VARIANTS) == set(PARAMETERS_M)


@pytest.mark.parametrize("name", BACKBONES)
def test_variant_has_the_published_size_and_names(name: str) -> None:
    with torch.device("meta"):
        network = BACKBONES[name]()
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == PARAMETERS_M[name]
    keys = list(network.state_dict())
    assert all(key.startswith("model.") for key in keys)
    assert any(".linear1." in key for key in keys) == ("gamma" in name)
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())


def test_variant_maps_faces_to_embeddings_with_gradient() -> None:
    network = BACKBONES["edgeface_xs_gamma_06"](128)
    emb_BD = network(torch.randn(2, 3, 112, 112))
    assert emb_BD.shape == (2, 128)
    emb_BD.square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_low_rank_replaces_linears_by_their_own_name_only() -> None:
    network = nn.ModuleDict(
        {
            "head": nn.ModuleDict({"fc": nn.Linear(40, 20)}),
            "cls_head": nn.Linear(40, 20),
            "conv": nn.Conv2d(3, 8, 1),
        }
    )
    factor_linears(network, 0.5)
    assert sorted(name for name, _ in network.named_parameters()) == [
        "cls_head.bias",
        "cls_head.weight",
        "conv.bias",
        "conv.weight",
        "head.fc.linear1.weight",
        "head.fc.linear2.bias",
        "head.fc.linear2.weight",
    ]


def test_rank_is_a_share_of_the_smaller_side_and_at_least_two() -> None:
    assert rank_for(nn.Linear(100, 33), 0.6) == 19
    assert rank_for(nn.Linear(3, 100), 0.1) == 2


def test_full_rank_approximation_computes_the_same() -> None:
    linear = nn.Linear(12, 8)
    x = torch.randn(5, 12)
    torch.testing.assert_close(LowRankLinear.approximating(linear, 8)(x), linear(x), rtol=1e-4, atol=1e-5)


def test_lower_rank_loses_exactly_the_small_singular_values() -> None:
    linear = nn.Linear(12, 8, bias=False)
    layer = LowRankLinear.approximating(linear, 3)
    lost = torch.linalg.matrix_norm(linear.weight - layer.linear2.weight @ layer.linear1.weight)
    expected = torch.linalg.svdvals(linear.weight)[3:].square().sum().sqrt()
    torch.testing.assert_close(lost, expected)
