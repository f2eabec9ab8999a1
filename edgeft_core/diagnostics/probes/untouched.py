"""Which modules are as an initialisation leaves them? Training does not leave a bias at exactly zero."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Untouched:
    """What was found.

    Attributes:
        share: of the network's parameters, those in such modules.
        modules: names of these modules.
    """

    share: float
    modules: tuple[str, ...]


def untouched(loaded: nn.Module, fresh: nn.Module, other_fresh: nn.Module) -> Untouched:
    """Modules of ``loaded`` whose constant initial values are all still there.

    What two fresh networks of different seeds have in common (biases of zero, norms of one, layer scales) does not
    depend on chance. A module that still holds exactly these numbers was never trained, so its random weights were
    not either. A module without constants cannot be told.
    """
    networks = (fresh, other_fresh)
    found: list[str] = []
    parameters = total = 0
    for name, module in loaded.named_modules():
        own = dict(module.named_parameters(recurse=False))
        if not own:
            continue
        size = sum(tensor.numel() for tensor in own.values())
        total += size
        one, other = (
            dict(network.get_submodule(name).named_parameters(recurse=False)) for network in networks
        )
        constant = [key for key in own if torch.equal(one[key], other[key])]
        if constant and all(torch.equal(own[key], one[key]) for key in constant):
            found.append(name)
            parameters += size
    return Untouched(parameters / max(1, total), tuple(found))


def listed(modules: tuple[str, ...], shown: int = 4) -> str:
    """A few of the names, and how many more there are."""
    more = f" and {len(modules) - shown} more" if len(modules) > shown else ""
    return ", ".join(name.removeprefix("model.") for name in modules[:shown]) + more
