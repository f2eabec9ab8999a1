"""Made-up signals of runs: what a healthy, a slow, a collapsed run records, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgeft_core.diagnostics.chance import top_k_chance
from edgeft_core.diagnostics.status import Verdict
from edgeft_core.diagnostics.verdict import VerdictTracker
from edgeft_core.diagnostics.vitals import Shape

SHAPE = Shape(n_classes=518, embedding_dim=512, batch_size=32, window_images=1024, steps_per_epoch=136)
STEPS = 10 * 136
NOTHING: Mapping[str, float] = {}
HEALTHY: Mapping[str, float] = {"gap": 2.0, "top1_running": 0.3, "top5_running": 0.5}


def signals(step: int, changed: Mapping[str, float] = NOTHING, *, shape: Shape = SHAPE) -> dict[str, float]:
    """One step of a run whose head knows nothing while embeddings are fine; ``changed`` says what is different.

    ``gap`` is the lead of the own class in standard deviations of a face's cosines.
    """
    scale = changed.get("scale", 16.0)
    sigma = 1.0 / math.sqrt(shape.embedding_dim)
    gap = changed.get("gap", 0.0)
    values = {
        "loss": math.log(shape.n_classes) + scale * math.sin(0.2) + scale**2 / (2.0 * shape.embedding_dim),
        "cos_different": 0.05,
        "collapse_level": 0.03,
        "mutual_information": 0.5 * (scale * sigma) ** 2,
        "logit_std_samples": scale * sigma,
        "logit_std_classes": scale * sigma,
        "cos_target": gap * sigma,
        "cos_nontarget": 0.0,
        "top1_running": top_k_chance(1, shape.n_classes),
        "top5_running": top_k_chance(5, shape.n_classes),
        "max_class_share": 0.008,
        "label_max_share": 0.004,
        "effective_classes": 0.6 * shape.n_classes,
        "window_images": float(min(shape.window_images, step * shape.batch_size)),
        "scale": 16.0,
        "temperature": 1.0,
        "margin_rad": 0.2,
    }
    return values | {name: value for name, value in changed.items() if name != "gap"}


COLLAPSED: Mapping[str, float] = {
    "cos_different": 0.99,
    "collapse_level": 0.9,
    "mutual_information": 0.001,
    "logit_std_samples": 0.05,
    "max_class_share": 0.8,
    "effective_classes": 2.0,
    "top1_running": 0.002,
    "top5_running": 0.008,
}
"""Signals of a run that predicts two classes for all faces."""


def tracker(shape: Shape = SHAPE, *, stage_steps: int = STEPS, rate_warmup: int = 0) -> VerdictTracker:
    """At the start of its first stage."""
    made = VerdictTracker(shape, validation_images=1036)
    made.stage(0, steps=stage_steps, rate_warmup=rate_warmup)
    return made


def seen(
    made: VerdictTracker,
    first: int,
    last: int,
    changed: Mapping[str, float] = NOTHING,
    *,
    shape: Shape = SHAPE,
) -> list[Verdict]:
    """Feed the steps ``first .. last`` with constant signals; the verdict after each."""
    return [made.batch(step, signals(step, changed, shape=shape)) for step in range(first, last + 1)]
