"""Which weights has the training moved, and by how much?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor

from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell
from edgeft_core.errors import DataError

Weights = Mapping[str, Tensor]
_MODULES_TOLD = 5


def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Compare class weights and backbone at the last checkpoint with those of the start, and of the best checkpoint.

    The backbone is compared only if a stage has trained it by then: a frozen one is as it should be.
    """
    tell("Changed weights", 0, 1)
    if context.step == 0:
        raise DataError("There is no checkpoint after step 0 yet; the first comes after an epoch.")
    start, earlier = context.start, context.earlier
    head = {"weight": context.session.head.weight.detach()}
    values = {
        "step": float(context.step),
        "head_change": change(start.head, head),
        "from_step": float(earlier.step),
        "unchanged_head": unchanged(earlier.head, head),
    }
    told = "no stage has trained the backbone so far"
    words: dict[str, str] = {}
    if context.session.backbone_changed:
        backbone = {name: one.detach() for name, one in context.network.named_parameters()}
        values |= {
            "backbone_change": change(start.backbone, backbone),
            "unchanged_backbone": unchanged(earlier.backbone, backbone),
        }
        told = f"the backbone by {values['backbone_change']:.2g}"
        still = [name for name, tensor in start.backbone.items() if torch.equal(tensor, backbone[name])]
        words = {"unchanged": _by_module(still)} if still else {}
    text = f"In {context.step} steps the class weights changed by {values['head_change']:.2g} of their length, {told}."
    return ProbeResult("parameters", values, text, words=words)


def unchanged(before: Weights, after: Weights) -> float:
    """Share of numbers that are exactly as they were."""
    same = sum(int((after[name] == tensor).sum()) for name, tensor in before.items())
    return same / sum(tensor.numel() for tensor in before.values())


def change(before: Weights, after: Weights) -> float:
    """||after - before|| / ||before|| over all tensors."""
    moved = sum(float((after[name] - tensor).double().square().sum()) for name, tensor in before.items())
    size = sum(float(tensor.double().square().sum()) for tensor in before.values())
    return float((moved / max(size, 1e-24)) ** 0.5)


def _by_module(names: list[str]) -> str:
    """``stages.0 (12), stem.0 (4)``."""
    counts = Counter(".".join(name.removeprefix("model.").split(".")[:2]) for name in names)
    shown = [f"{module} ({count})" for module, count in counts.most_common(_MODULES_TOLD)]
    more = f" and {len(counts) - _MODULES_TOLD} more" if len(counts) > _MODULES_TOLD else ""
    return ", ".join(shown) + more
