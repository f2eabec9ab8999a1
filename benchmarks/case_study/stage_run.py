"""One stage by the engine, followed as the app follows it, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.case_study.grid import Study
from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.observer import Observer
from edgeft_core.engine import Controls, NoControls, train
from edgeft_core.events import (
    BatchDone,
    ControlRequest,
    Event,
    FirstBatch,
    RunPrepared,
    SignalsMeasured,
    StageEnded,
    StageStarted,
)

BAD = ("collapsed", "stalled", "diverged")
FROM_THE_WINDOW = ("max_class_share", "effective_classes", "unique_classes")
IN_BATCH = "batch_max_class_share"
OVER_AN_EPOCH = ("top1", "top5", "loss", IN_BATCH)
AFTER_EVERY_EPOCH = ("val_max_class_share", "val_top1", "val_top5")
FROM_THE_LAST_STEP = ("logit_std_samples", "logit_std_classes")
FROM_VALIDATION = (
    "val_top1",
    "val_top5",
    "val_max_class_share",
    "val_effective_classes",
    "val_unique_classes",
    "val_cos_same_image",
    "val_cos_same",
    "val_cos_different",
    "val_d_prime",
)


@dataclass
class Told:
    """What a run told that tables need.

    Attributes:
        last: newest value of every scalar; ``scores`` are all validations with their step.
        verdicts: ``(status, since, cause, confidence)`` whenever one of the first three changed.
    """

    first: FirstBatch | None = None
    steps: int = 0
    steps_per_epoch: int = 1
    last: dict[str, float] = field(default_factory=dict)
    scores: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)
    batches: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)
    verdicts: list[tuple[str, int, str, float]] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if isinstance(event, RunPrepared):
            self.steps_per_epoch = event.steps_per_epoch
        elif isinstance(event, FirstBatch):
            self.first = event
        elif isinstance(event, BatchDone):
            self.steps = event.step
            self.last |= event.scalars
            in_batch = int(np.bincount(event.predicted_B).max()) / len(event.predicted_B)
            self.batches.append((event.step, {**event.scalars, IN_BATCH: in_batch}))
        elif isinstance(event, SignalsMeasured):
            self.last |= event.scalars
            if "val_cos_different" in event.scalars:
                self.scores.append((event.step, event.scalars))

    def judge(self, observer: Observer) -> None:
        verdict, likely = observer.verdict, observer.likely
        cause, confidence = (likely.id, likely.confidence) if likely else ("", 0.0)
        told = (verdict.status, verdict.since_step, cause)
        if not self.verdicts or self.verdicts[-1][:3] != told:
            self.verdicts.append((*told, round(confidence, 3)))


class InSecondStage:
    """The live change that a user would make as the second stage begins, as one ``set``."""

    def __init__(self, changes: Mapping[str, Any]) -> None:
        self._changes = changes
        self._due = False

    def poll(self, next_step: int) -> Sequence[ControlRequest]:  # noqa: ARG002
        due, self._due = self._due, False
        return [ControlRequest(1, "set", self._changes)] if due else []

    def wait(self, timeout_s: float) -> None:
        raise AssertionError(f"nobody pauses these runs, and yet one waits ({timeout_s} s)")

    def told(self, event: Event) -> None:
        if isinstance(event, StageStarted) and event.stage == 1:
            self._due = bool(self._changes)


def follow(study: Study, config: RunConfig, *, controls: Controls | None = None, stages: int = 1) -> Told:
    """Train the first ``stages`` stages; the test at the end of a run is left out."""
    controls = controls or NoControls()
    observer, told = Observer("case study", config), Told()
    for event in train(config, folder=study.run_folder, cache=study.cache, controls=controls):
        observer.observe(event)
        told.take(event)
        told.judge(observer)
        if isinstance(controls, InSecondStage):
            controls.told(event)
        if isinstance(event, StageEnded) and event.stage == stages - 1:
            break
    return told


def cell(told: Told) -> dict[str, Any]:
    """A run's end in plain numbers.

    ``train_*`` of scores and ``train_batch_max_class_share`` are means over the last epoch (``first_epoch_*``: over
    the first), each image scored just before the step that learns from it, margin off; ``train_max_class_share`` and
    the other counts of classes are of the window of latest images, as the app shows it; ``val_*`` are of images that
    were not trained on.
    """
    assert told.first is not None
    values: dict[str, Any] = {}
    for name in OVER_AN_EPOCH:
        values[f"train_{name}"] = _mean(told, name, slice(-told.steps_per_epoch, None))
        values[f"first_epoch_{name}"] = _mean(told, name, slice(told.steps_per_epoch))
    values |= {f"train_{name}": told.last[name] for name in FROM_THE_WINDOW}
    values |= {name: told.last[name] for name in (*FROM_THE_LAST_STEP, *FROM_VALIDATION) if name in told.last}
    values |= {
        "epochs": {name: [one[name] for _, one in told.scores] for name in AFTER_EVERY_EPOCH},
        "steps": told.steps,
        "first_logit_std": told.first.logit_std,
        "first_predicted": list(told.first.predicted),
        "verdicts": [list(one) for one in told.verdicts],
    }
    return values | judged(told.verdicts)


def _mean(told: Told, name: str, steps: slice) -> float:
    values = [scalars[name] for _, scalars in told.batches[steps]]
    return sum(values) / len(values)


def judged(verdicts: Sequence[tuple[str, int, str, float]]) -> dict[str, Any]:
    """The verdict at the end, the first bad one on the way, and the cause named with it (else at the end)."""
    bad = [one for one in verdicts if one[0] in BAD]
    status, _, cause, confidence = verdicts[-1]
    if bad:
        # the cause is looked for right after the verdict has changed
        same = [one for one in bad if one[:2] == bad[0][:2]]
        _, _, cause, confidence = same[-1]
    return {
        "verdict": status,
        "bad_verdict": bad[0][0] if bad else "",
        "bad_since": bad[0][1] if bad else None,
        "cause": cause,
        "confidence": confidence,
    }
