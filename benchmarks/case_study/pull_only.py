"""A second stage that only pulls the two resolutions of a face together: does "0.999" come while people vanish?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.case_study.first_look import known
from benchmarks.case_study.grid import Study, first_stage
from benchmarks.case_study.stage_run import FROM_VALIDATION, InSecondStage, Told, follow, judged
from edgeft_core.config import RunConfig, StageConfig
from edgeft_core.config_keys import with_values

HEAD_EPOCHS = 3
SILENT_HEAD: Mapping[str, Any] = {"head.scale": 0.5, "head.temperature": 64.0}
"""The engine always adds the head's loss. At s / T = 1/128 its gradient is next to nothing beside a pull of 10."""

REPORTED_HEAD: Mapping[str, Any] = {"head.scale": 8.0, "head.temperature": 4.0, "head.margin_rad": 0.1}


@dataclass(frozen=True)
class SecondStage:
    """Attributes:
    kind: of the embeddings that it starts from.
    pull: weight of 1 - cos(SR, HR).
    head: live changes as it begins; the first stage always learns under recommended settings.
    """

    kind: str
    pull: float
    backbone_lr: float
    head: Mapping[str, Any]


SECOND_STAGES: dict[str, SecondStage] = {
    "as reported: pull 0.3, s/T 2, lr 3e-6": SecondStage("healthy", 0.3, 3e-6, REPORTED_HEAD),
    "pull alone, lr 3e-6": SecondStage("healthy", 10.0, 3e-6, SILENT_HEAD),
    "pull alone, lr 1e-3": SecondStage("healthy", 10.0, 1e-3, SILENT_HEAD),
    "pull 10 beside the head, lr 1e-3": SecondStage("healthy", 10.0, 1e-3, {}),
    "head alone, lr 1e-3": SecondStage("healthy", 0.0, 1e-3, {}),
    "random network, pull alone, lr 1e-3": SecondStage("random", 10.0, 1e-3, SILENT_HEAD),
}


def two_stages(study: Study, chosen: SecondStage, seed: int, epochs: int) -> RunConfig:
    """A short recommended first stage, then the second one."""
    base = first_stage(study, chosen.kind, "recommended", seed)
    base = with_values(base, {"data.identities": study.second_stage_people})
    head = base.stages[0].model_copy(update={"epochs": HEAD_EPOCHS, "cached_views": 1})
    second = StageConfig(
        name="fine-tune",
        epochs=epochs,
        train_backbone=True,
        head_lr=3e-5,
        backbone_lr=chosen.backbone_lr,
        contrastive_weight=chosen.pull,
    )
    return base.model_copy(update={"stages": (head, second)})


def pulled(study: Study, name: str, seed: int, epochs: int = 2) -> dict[str, Any]:
    """Run one of :data:`SECOND_STAGES`; validation before and after, and the batches between."""
    chosen = SECOND_STAGES[name]
    config = two_stages(study, chosen, seed, epochs)
    told = follow(study, config, controls=InSecondStage(chosen.head), stages=2)
    begins = HEAD_EPOCHS * told.steps_per_epoch
    scores = dict(told.scores)
    return {
        "begins": begins,
        "steps": told.steps - begins,
        "before": _kept(scores[begins]),
        "after": {**_kept(scores[told.steps]), **known(study, config)},
        "batches": _series(told, begins),
        "verdicts": [list(one) for one in told.verdicts if one[1] > begins or one is told.verdicts[-1]],
        **judged([one for one in told.verdicts if one[1] > begins] or told.verdicts[-1:]),
    }


def _kept(scalars: Mapping[str, float]) -> dict[str, float]:
    return {name: scalars[name] for name in FROM_VALIDATION if name in scalars}


def _series(told: Told, begins: int) -> dict[str, list[float]]:
    """Cosines of every batch of the second stage."""
    batches = [(step - begins, scalars) for step, scalars in told.batches if step > begins]
    series: dict[str, list[float]] = {"step": [float(step) for step, _ in batches]}
    for name in ("cos_same_image", "cos_different"):
        series[name] = [scalars[name] for _, scalars in batches]
    return series
