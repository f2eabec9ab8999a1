"""What a sweep will cost: heads, memory, minutes. A simple model, said to be one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import psutil

from edgeft_core.config import RunConfig
from edgeft_core.labs.sweep.heads import head_count
from edgeft_core.labs.sweep.plan import Plan, bytes_of_head, plan_blocks
from ui.launch.cost import estimate

# Measured on 2 CPU cores (benchmarks/sweep_speed.py): seconds of one step of one head of 518 classes x 512 numbers,
# batch 32, and of scoring one validation image with it.
_STEP_S: Final = 0.0011
_SCORE_S: Final = 0.000012
_MEASURED_NUMBERS: Final = 518 * 512
_MEASURED_CORES: Final = 2
_LEAST_STEP_S: Final = 0.00004  # of calling PyTorch, whatever the size


@dataclass(frozen=True)
class SweepCost:
    """An estimate.

    Attributes:
        embedding_s: the one pass of the backbone; training_s: all heads together.
        plan: heads in memory at once.
    """

    heads: int
    steps: int
    embedding_s: float
    training_s: float
    plan: Plan

    @property
    def seconds(self) -> float:
        return self.embedding_s + self.training_s


def sweep_cost(config: RunConfig, train_images: int, validation_images: int, n_classes: int) -> SweepCost:
    """Time on this machine's processor; a GPU is much faster.

    Raises:
        OutOfMemoryError: not even one head fits.
    """
    assert config.sweep is not None
    heads = head_count(config.sweep)
    batch = min(config.data.batch_size, train_images)
    steps = config.stages[0].epochs * max(1, train_images // max(1, batch))
    each = bytes_of_head(
        n_classes,
        config.backbone.embedding_dim,
        batch_size=batch,
        window_images=config.monitor.window_images,
        scratch=False,
    )
    free = int(psutil.virtual_memory().available)
    plan = plan_blocks(heads, each, free, heads_at_once=config.sweep.heads_at_once)
    size = n_classes * config.backbone.embedding_dim / _MEASURED_NUMBERS
    cores = _MEASURED_CORES / (os.cpu_count() or _MEASURED_CORES)
    step_s = max(_LEAST_STEP_S, _STEP_S * size * (0.5 + 0.5 * batch / 32)) * cores
    looks_s = (
        config.sweep.frames * min(validation_images, config.sweep.validation_images) * _SCORE_S * size * cores
    )
    embedding = config.model_copy(update={"sweep": None})
    alone_s = estimate(embedding, train_images, n_classes).seconds - steps * 0.006
    return SweepCost(heads, steps, max(1.0, alone_s), heads * (steps * step_s + looks_s), plan)
