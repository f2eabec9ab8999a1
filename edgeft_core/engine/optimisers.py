"""AdamW with one parameter group for the head and one for the backbone, and the learning rates of each step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeft_core.config import StageConfig


def build_optimiser(head: nn.Module, backbone: nn.Module | None) -> torch.optim.AdamW:
    """Groups ``head`` and, where it trains, ``backbone``; rates are set before every step by :func:`set_rates`.

    Fused, because one kernel per step is faster everywhere and, on CUDA, can skip the step by itself when a
    gradient is not finite.
    """
    groups: list[dict[str, object]] = [{"name": "head", "params": list(head.parameters())}]
    if backbone is not None:
        groups.append({"name": "backbone", "params": list(backbone.parameters())})
    return torch.optim.AdamW(groups, lr=0.0, fused=True)


def rate_factor(stage: StageConfig, step: int, steps: int) -> float:
    """Share of the peak learning rate in force at ``step`` (0-based) of a stage of ``steps`` steps.

    Linear warm-up, then constant or half a cosine down to 0 (Loshchilov and Hutter 2017, "SGDR", without restarts).
    It is a function of the step alone, so a live change of the peak is followed at once.
    """
    if step < stage.warmup_steps:
        return (step + 1) / (stage.warmup_steps + 1)
    if stage.schedule == "constant":
        return 1.0
    done = (step - stage.warmup_steps) / max(1, steps - stage.warmup_steps)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def set_rates(optimiser: torch.optim.Optimizer, stage: StageConfig, factor: float) -> dict[str, float]:
    """Put the stage's settings in force for one step; returns the learning rate of each group by name."""
    peaks = {"head": stage.head_lr, "backbone": stage.backbone_lr}
    decays = {"head": stage.weight_decay, "backbone": stage.backbone_weight_decay}
    for group in optimiser.param_groups:
        group["lr"] = peaks[group["name"]] * factor
        group["weight_decay"] = decays[group["name"]]
    return {group["name"]: group["lr"] for group in optimiser.param_groups}


def clip(optimiser: torch.optim.Optimizer, limit: float) -> dict[str, Tensor]:
    """Clip head and backbone apart; returns each group's gradient norm before clipping, on the device."""
    return {
        group["name"]: nn.utils.clip_grad_norm_(group["params"], limit, error_if_nonfinite=False)
        for group in optimiser.param_groups
    }
