"""Will the weights move, and not too fast? AdamW moves a weight by about its learning rate per step."""

from __future__ import annotations

from collections.abc import Iterator

from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.subject import Subject
from edgeft_core.preflight.thresholds import (
    BACKBONE_LR_WARNING,
    HEAD_LR_WARNING,
    HEAD_TRAVEL_WARNING,
    PULL_WARNING,
)

_MEAN_OF_SCHEDULE = {"constant": 1.0, "cosine": 0.5}


def rates(subject: Subject) -> Iterator[Finding | Passed]:
    """Learning rates of every stage."""
    found = [*_too_high(subject), *_too_low(subject)]
    yield from found
    if not found:
        told = ", ".join(
            f"{stage.name}: head {stage.head_lr:g}"
            + (f", backbone {stage.backbone_lr:g}" if stage.train_backbone else "")
            for stage in subject.config.stages
        )
        yield Passed("settings.rates", f"Learning rates are in the usual range ({told}).")


def _too_high(subject: Subject) -> Iterator[Finding]:
    for index, stage in enumerate(subject.config.stages):
        if stage.head_lr > HEAD_LR_WARNING:
            yield Finding(
                "settings.rates",
                "warning",
                f"Stage {stage.name}: a head learning rate of {stage.head_lr:g} replaces the class weights at every "
                f"step (they start at 0.01 per coordinate). Usual are 1e-3 to 1e-2.",
                cause="lr.too_high",
                values={"head_lr": stage.head_lr},
                fix={f"stages.{index}.head_lr": 3e-3},
            )
        if stage.train_backbone and stage.backbone_lr > BACKBONE_LR_WARNING:
            yield Finding(
                "settings.rates",
                "warning",
                f"Stage {stage.name}: a backbone learning rate of {stage.backbone_lr:g} overwrites what the weights "
                "know within a hundred steps. Fine-tuning uses 1e-6 to 1e-4.",
                cause="lr.too_high",
                values={"backbone_lr": stage.backbone_lr},
                fix={f"stages.{index}.backbone_lr": 3e-5},
            )


def _too_low(subject: Subject) -> Iterator[Finding]:
    stages = subject.config.stages
    if all(stage.head_lr == 0.0 for stage in stages):
        yield Finding(
            "settings.rates",
            "warning",
            "The head's learning rate is 0 in every stage: class weights stay random, and nothing is recognised.",
            cause="head.not_training",
            values={"head_lr": 0.0},
            fix={"stages.0.head_lr": 3e-3},
        )
        return
    if subject.dataset is None:
        return
    images = len(subject.dataset.splits["train"])
    steps = max(1, images // min(subject.config.data.batch_size, images))
    travel = sum(stage.head_lr * _MEAN_OF_SCHEDULE[stage.schedule] * stage.epochs * steps for stage in stages)
    if travel < HEAD_TRAVEL_WARNING:
        yield Finding(
            "settings.rates",
            "warning",
            f"All steps together can move a class weight by {travel:.2g} per coordinate, and it starts at 0.01: the "
            "head ends near where it began. Raise stages.0.head_lr or the epochs.",
            cause="lr.too_low",
            values={"head_travel": travel},
            fix={"stages.0.head_lr": 3e-3},
        )


def pull(subject: Subject) -> Iterator[Finding | Passed]:
    """Does the SR/HR term outweigh what pushes people apart?"""
    pulled = [
        (index, stage)
        for index, stage in enumerate(subject.config.stages)
        if stage.train_backbone and stage.contrastive_weight > 0.0
    ]
    heavy = [(index, stage) for index, stage in pulled if stage.contrastive_weight > PULL_WARNING]
    for index, stage in heavy:
        yield Finding(
            "settings.pull",
            "warning",
            f"Stage {stage.name}: the SR/HR term has weight {stage.contrastive_weight:g}. It only pulls pairs "
            "together and is smallest when all faces are one point; at this weight it outweighs the head.",
            cause="embedding.alignment_only",
            values={"contrastive_weight": stage.contrastive_weight},
            fix={f"stages.{index}.contrastive_weight": 0.3},
        )
    if pulled and not heavy:
        weights = ", ".join(f"{stage.contrastive_weight:g}" for _, stage in pulled)
        yield Passed("settings.pull", f"The SR/HR term (weight {weights}) stays below what the head adds.")
