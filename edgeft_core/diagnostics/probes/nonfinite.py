"""Is there a NaN or an infinity among the weights?"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell
from edgeft_core.diagnostics.probes.faces import embed


def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Scan backbone and head, and embed a few faces: finite weights can still overflow."""
    tell("Scanning the weights", 0, 1)
    counts: dict[str, int] = {}
    numbers = 0
    for name, tensor in _weights(context):
        numbers += tensor.numel()
        if bad := int((~torch.isfinite(tensor)).sum()):
            counts[name] = bad
    emb_ND = embed(context.network, context.sample_images[0][:8], context.config.data.normalisation)
    broken = int((~torch.isfinite(emb_ND)).any(dim=1).sum())
    values = {
        "nonfinite": float(sum(counts.values())),
        "tensors": float(len(counts)),
        "numbers": float(numbers),
        "embeddings_nonfinite": float(broken),
        "largest_embedding": float(emb_ND.abs().max()),
    }
    if counts:
        first = next(iter(counts))
        text = f"{sum(counts.values())} of {numbers} weights are NaN or infinite, first in {first}."
        return ProbeResult("nonfinite", values, text, words={"first": first})
    end = f"but {broken} of {len(emb_ND)} embeddings are not." if broken else "and so are the embeddings."
    return ProbeResult("nonfinite", values, f"All {numbers} weights are finite, {end}")


def _weights(context: ProbeContext) -> Iterator[tuple[str, Tensor]]:
    for part, module in (("backbone", context.network), ("head", context.session.head)):
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                yield f"{part}.{name}", tensor
