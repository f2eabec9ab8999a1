"""What a run will cost: steps, minutes on this machine, disk. A simple model, said to be one."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgeft_core.config import RunConfig, StageConfig
from edgeft_core.jobs.states import RunState
from edgeft_core.store.contract import RunRecord

# Measured on 2 CPU cores with EdgeNeXt-XXS at 112 px: images/s forward, and forward + backward; seconds of a step
# on cached embeddings.
_FORWARD_PER_S: Final = 700.0
_TRAIN_PER_S: Final = 210.0
_CACHED_STEP_S: Final = 0.006
_MEASURED_CORES: Final = 2
_START_S: Final = 6.0  # a worker imports torch and builds the network
# Multiply-adds of one face relative to EdgeNeXt-XXS (EdgeFace paper, table 1), and millions of parameters.
_RELATIVE_COST: Final = {
    "edgeface_xxs": 1.0,
    "edgeface_xs_gamma_06": 1.6,
    "edgeface_s_gamma_05": 3.2,
    "edgeface_base": 14.8,
}
_PARAMETERS_M: Final = {
    "edgeface_xxs": 1.24,
    "edgeface_xs_gamma_06": 1.77,
    "edgeface_s_gamma_05": 3.65,
    "edgeface_base": 18.23,
}
_UNKNOWN_COST: Final = 10.0  # any other timm model: a guess, and the sentence says so
_CHECKPOINT_COPIES: Final = 2 * 3  # best and last; weights and two moments of AdamW
_BYTES_PER_STEP: Final = 260.0  # scalars and predicted classes of one batch


@dataclass(frozen=True)
class Cost:
    """An estimate.

    Attributes:
        basis: where the rates come from, in words.
    """

    steps: int
    seconds: float
    disk_bytes: float
    basis: str


def estimate(config: RunConfig, train_images: int, n_classes: int, past: Sequence[RunRecord] = ()) -> Cost:
    """Steps are exact unless a stage stops early; time and disk are rough.

    Args:
        past: runs on this machine; the newest finished one with the same backbone gives the rate, where it
            trained the backbone as well.
    """
    per_epoch = max(1, math.ceil(train_images / config.data.batch_size))
    steps = sum(stage.epochs for stage in config.stages) * per_epoch
    train_rate, basis = _train_rate(config, past)
    seconds = _START_S + sum(
        _stage_seconds(stage, train_images, per_epoch, train_rate) for stage in config.stages
    )
    return Cost(steps, seconds, _disk_bytes(config, train_images, n_classes, steps), basis)


def free_bytes(folder: Path) -> int:
    """Space left where runs are written."""
    return shutil.disk_usage(folder).free


def format_bytes(amount: float) -> str:
    """``"85 MB"``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if amount >= size:
            return f"{amount / size:.1f} {unit}" if amount < 10 * size else f"{amount / size:.0f} {unit}"
    return f"{max(1, round(amount / 1e3))} kB"


def _train_rate(config: RunConfig, past: Sequence[RunRecord]) -> tuple[float, str]:
    for run in past:
        rate = float(run.summary.get("images_per_s") or 0)
        same = run.config.backbone.name == config.backbone.name and run.config.device == config.device
        if rate > 0 and same and run.state is RunState.FINISHED and run.config.stages[-1].train_backbone:
            return rate, f"at the rate of {run.name}"
    cores = os.cpu_count() or _MEASURED_CORES
    cost = _RELATIVE_COST.get(config.backbone.name, _UNKNOWN_COST)
    known = "" if config.backbone.name in _RELATIVE_COST else "; this backbone is a guess"
    return _TRAIN_PER_S * cores / _MEASURED_CORES / cost, f"on {cores} CPU cores; a GPU is much faster{known}"


def _stage_seconds(stage: StageConfig, images: int, per_epoch: int, train_rate: float) -> float:
    if stage.train_backbone:
        pairs = 2 if stage.contrastive_weight > 0 else 1  # the SR/HR term embeds the original too
        return stage.epochs * images * pairs / train_rate
    forward_rate = train_rate * _FORWARD_PER_S / _TRAIN_PER_S
    if stage.cached_views == 0:
        return stage.epochs * images / forward_rate
    embedded = min(stage.cached_views, stage.epochs) * images
    return embedded / forward_rate + stage.epochs * per_epoch * _CACHED_STEP_S


def _disk_bytes(config: RunConfig, images: int, n_classes: int, steps: int) -> float:
    backbone = 1e6 * _PARAMETERS_M.get(config.backbone.name, 25.0)
    head = config.backbone.embedding_dim * n_classes
    checkpoints = 4.0 * _CHECKPOINT_COPIES * (backbone + head)
    views = max((stage.cached_views for stage in config.stages if not stage.train_backbone), default=0)
    embeddings = 4.0 * images * views * config.backbone.embedding_dim
    pixels = float(images * config.data.image_px**2 * 3)
    return checkpoints + embeddings + pixels + _BYTES_PER_STEP * steps
