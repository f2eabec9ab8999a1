"""What an initialisation leaves behind, and training does not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from edgeft_core.config import BackboneConfig
from edgeft_core.diagnostics.probes.untouched import listed, untouched
from edgeft_core.models import build_backbone


def network(weights: str = "none", seed: int = 0) -> nn.Module:
    return build_backbone(BackboneConfig(weights=weights), seed=seed).module


def test_a_trained_network_has_no_module_as_it_began() -> None:
    assert untouched(network("demo"), network(seed=1), network(seed=2)).share == 0.0


def test_a_fresh_network_is_as_it_began_nearly_everywhere() -> None:
    found = untouched(network(seed=3), network(seed=1), network(seed=2))
    assert found.share > 0.9


@torch.no_grad()
def test_stages_that_were_saved_at_random_are_found_and_no_others() -> None:
    trained, fresh = network("demo"), network(seed=3).state_dict()
    mixed = {name: fresh[name] if "stages.3" in name else one for name, one in trained.state_dict().items()}
    trained.load_state_dict(mixed)
    found = untouched(trained, network(seed=1), network(seed=2))
    assert 0.4 < found.share < 0.6
    assert {name.split(".")[2] for name in found.modules} == {"3"}


@pytest.mark.parametrize("count", [2, 9])
def test_long_lists_of_modules_are_cut(count: int) -> None:
    names = tuple(f"model.stages.{number}" for number in range(count))
    assert listed(names).startswith("stages.0, stages.1")
    assert listed(names).endswith("and 5 more") == (count == 9)
