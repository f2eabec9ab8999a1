"""Low-rank factors in a file for a network that has the whole layer in their place."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from edgeft_core.models.weights.wrapping import core_key


def multiplied(network: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], int]:
    """The file's tensors with each pair of factors multiplied where the network has the one layer, and their number.

    ``linear2(linear1(x)) = (W2 W1) x + b2``, so the layer computes what the pair did, up to rounding.
    """
    whole = {core_key(name)[0] for name in network}
    tensors = dict(found)
    count = 0
    for name, inner in found.items():
        stem = name.removesuffix(".linear1.weight")
        outer = found.get(f"{stem}.linear2.weight")
        if stem == name or outer is None or core_key(f"{stem}.weight")[0] not in whole:
            continue
        more = {f"{stem}.weight", f"{stem}.bias", f"{stem}.linear1.bias"} & found.keys()
        if more or not _are_factors(outer, inner):
            continue
        tensors[f"{stem}.weight"] = outer.double() @ inner.double()
        del tensors[name], tensors[f"{stem}.linear2.weight"]
        if (bias := tensors.pop(f"{stem}.linear2.bias", None)) is not None:
            tensors[f"{stem}.bias"] = bias
        count += 1
    return tensors, count


def _are_factors(outer: Tensor, inner: Tensor) -> bool:
    matrices = outer.dim() == inner.dim() == 2 and outer.shape[1] == inner.shape[0]
    return matrices and all(one.is_floating_point() and one.layout == torch.strided for one in (outer, inner))
