"""Watches a run's events and keeps what verdict and causes need: small, and without torch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.case import Case, Finding, ProbeResult, Tail
from edgeft_core.diagnostics.causes import Cause
from edgeft_core.diagnostics.causes.labels import label_evenness
from edgeft_core.diagnostics.diagnosis import diagnose
from edgeft_core.diagnostics.status import Verdict
from edgeft_core.diagnostics.verdict import VerdictTracker
from edgeft_core.diagnostics.vitals import Shape
from edgeft_core.events import (
    BatchDone,
    ControlHandled,
    Event,
    FirstBatch,
    Rewound,
    RunPrepared,
    SignalsMeasured,
    StageStarted,
)

BATCH_KEYS = (
    *("loss", "cos_different", "cos_same_image"),
    *("top5_running", "max_class_share", "batch_label_classes"),
)
SPARSE_KEYS = (
    "amp_scale",
    "contrastive_gradient_share",
    "update_ratio_backbone",
    "update_ratio_head",
    "unchanged_backbone",
    "unchanged_head",
    "val_top1",
    "val_top5",
)
"""Series of which the newest values and the way they came are kept."""

TAIL_LENGTH = 64
TRAIL_LENGTH = 256
"""A trail that grows longer loses every other point."""

IN_FORCE = ("scale", "margin_rad", "temperature", "centre")
"""Live settings of the head that every step records under their own name."""

LOOK_EVERY_STEPS = 50
"""Steps between two looks for causes, unless something new was measured or the verdict changed."""

TELLING = frozenset({"input_min", "unchanged_head"})
"""Signals measured now and then that can make a cause certain at once."""


@dataclass
class _Trail:
    """The whole run in a bounded number of points."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    every: int = 1
    seen: int = 0

    def add(self, step: int, value: float) -> None:
        if self.seen % self.every == 0:
            self.steps.append(step)
            self.values.append(value)
            if len(self.steps) > TRAIL_LENGTH:
                self.steps, self.values, self.every = self.steps[::2], self.values[::2], self.every * 2
        self.seen += 1

    def cut(self, step: int) -> None:
        """Forget what is later than ``step``."""
        left = sum(one <= step for one in self.steps)
        del self.steps[left:], self.values[left:]


class Observer:
    """Follows one run: feed it every event, ask it for the verdict and the case.

    A verdict that sees nothing wrong becomes ``watch`` while a cause is certain: parameters that do not change, keys
    that are missing and pixels out of range need no warm-up.

    Args:
        before: the verdict that an earlier worker of the same run left.
        findings: what the checks before training found.
    """

    def __init__(
        self,
        run: str,
        config: RunConfig,
        *,
        before: Verdict | None = None,
        findings: Sequence[Finding] = (),
    ) -> None:
        self._run = run
        self._config = config
        self._before = before
        self._findings = tuple(findings)
        self._tracker: VerdictTracker | None = None
        self._prepared: RunPrepared | None = None
        self._stage: StageStarted | None = None
        self._first_batch: dict[str, Any] = {}
        self._first: Mapping[str, float] = {}
        self._batch: Mapping[str, float] = {}
        self._signals: dict[str, float] = {}
        self._tails: dict[str, deque[tuple[int, float]]] = {}
        self._trails: dict[str, _Trail] = {}
        self._step = 0
        self._looked = 0
        self._error = ""
        self._certain: tuple[int, Cause] | None = None
        self.likely: Cause | None = None
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            RunPrepared: self._on_prepared,
            StageStarted: self._on_stage,
            FirstBatch: self._on_first_batch,
            BatchDone: self._on_batch,
            SignalsMeasured: self._on_signals,
            ControlHandled: self._on_control,
            Rewound: self._on_rewound,
        }

    @property
    def verdict(self) -> Verdict:
        """The tracker's, or ``watch`` while a cause is certain."""
        verdict = self._tracker.verdict if self._tracker else self._before or Verdict()
        if self._certain is None or verdict.status not in {"learning", "healthy"}:
            return verdict
        since, cause = self._certain
        reasons = tuple(one.text for one in cause.evidence)
        return Verdict("watch", since, reasons)

    def case(self, probes: Mapping[str, ProbeResult] | None = None) -> Case:
        """All that is known now."""
        prepared, stage = self._prepared, self._stage
        return Case(
            run=self._run,
            config=self._in_force(),
            n_classes=len(prepared.class_names) if prepared else 0,
            step=self._step,
            stage=stage.stage if stage else 0,
            stage_step=stage.step if stage else 0,
            steps_per_epoch=prepared.steps_per_epoch if prepared else 0,
            steps_total=prepared.steps_total if prepared else 0,
            weights=prepared.weights if prepared else {},
            label_counts=tuple(prepared.label_counts_C.tolist()) if prepared else (),
            split_images=prepared.split_images if prepared else {},
            first_batch=self._first_batch,
            first=self._first,
            signals={**self._signals, **self._batch},
            tails={name: _tail(tuple(values)) for name, values in self._tails.items()},
            trails={name: Tail(tuple(one.steps), tuple(one.values)) for name, one in self._trails.items()},
            verdict=self._tracker.verdict if self._tracker else Verdict(),
            probes=probes or {},
            findings=self._findings,
            error=self._error,
        )

    def observe(self, event: Event) -> None:
        """Take in one event; most kinds say nothing about health."""
        if (handler := self._handlers.get(type(event))) is not None:
            handler(event)

    def _on_prepared(self, event: RunPrepared) -> None:
        self._prepared = event
        self._tracker = self._fresh_tracker(event, self._before)

    def _fresh_tracker(self, event: RunPrepared, before: Verdict | None) -> VerdictTracker:
        counts = event.label_counts_C.tolist()
        shape = Shape(
            n_classes=len(event.class_names),
            embedding_dim=self._config.backbone.embedding_dim,
            batch_size=max(1, min(self._config.data.batch_size, int(event.split_images.get("train", 0)))),
            window_images=self._config.monitor.window_images,
            steps_per_epoch=event.steps_per_epoch,
            label_classes=label_evenness(counts) * len(counts) if sum(counts) else math.inf,
        )
        validation = min(int(event.split_images.get("validation", 0)), self._config.monitor.validation_images)
        return VerdictTracker(shape, validation_images=validation, before=before)

    def _on_stage(self, event: StageStarted) -> None:
        self._stage, self._step = event, max(self._step, event.step)
        if self._tracker:
            warmup = self._config.stages[event.stage].warmup_steps
            self._tracker.stage(event.step, steps=event.epochs * event.steps_per_epoch, rate_warmup=warmup)

    def _on_first_batch(self, event: FirstBatch) -> None:
        self._first_batch = asdict(event)

    def _on_batch(self, event: BatchDone) -> None:
        self._step, self._batch = event.step, event.scalars
        if not self._first:
            self._first = event.scalars
        self._remember(event.step, event.scalars, BATCH_KEYS)
        if self._tracker is None:
            return
        before = self._tracker.verdict.status
        if self._tracker.batch(event.step, event.scalars).status != before or event.step == 1:
            self._look_for_causes()

    def _on_signals(self, event: SignalsMeasured) -> None:
        self._step = max(self._step, event.step)
        self._signals |= event.scalars
        self._remember(event.step, event.scalars, SPARSE_KEYS)
        told = self._tracker.verdict.status if self._tracker else None
        if self._tracker and "val_top1" in event.scalars:
            self._tracker.validated(event.scalars)
        turned = self._tracker is not None and self._tracker.verdict.status != told
        due = turned or self._step >= self._looked + LOOK_EVERY_STEPS or not TELLING.isdisjoint(event.scalars)
        if self._first and due:
            self._look_for_causes()

    def _on_control(self, event: ControlHandled) -> None:
        if self._tracker and event.outcome == "applied" and event.previous:
            self._tracker.changed(event.step)

    def _on_rewound(self, event: Rewound) -> None:
        """What lay between counts for nothing; the verdict begins anew."""
        self._step = self._looked = event.step
        self._certain = self.likely = None
        for name, tail in self._tails.items():
            self._tails[name] = deque((one for one in tail if one[0] <= event.step), TAIL_LENGTH)
        for trail in self._trails.values():
            trail.cut(event.step)
        if self._prepared:
            self._tracker = self._fresh_tracker(self._prepared, None)

    def failed(self, error: str, *, nonfinite: bool) -> None:
        """The run ended with an error; one that is about NaN or infinity makes the verdict ``diverged``."""
        self._error = error
        if nonfinite and self._tracker:
            self._tracker.failed(self._step, error.split(". ", maxsplit=1)[0] + ".")
        self._look_for_causes()

    def _look_for_causes(self) -> None:
        self._looked = self._step
        diagnosis = diagnose(self.case())
        self.likely = diagnosis.causes[0] if diagnosis.causes else None
        certain, held = diagnosis.certain, self._certain
        if certain is None:
            self._certain = None
        else:
            self._certain = (held[0] if held and held[1].id == certain.id else self._step, certain)

    def _remember(self, step: int, scalars: Mapping[str, float], names: Sequence[str]) -> None:
        for name in names:
            value = scalars.get(name)
            if value is not None and math.isfinite(value):
                self._tails.setdefault(name, deque(maxlen=TAIL_LENGTH)).append((step, value))
                self._trails.setdefault(name, _Trail()).add(step, value)

    def _in_force(self) -> RunConfig:
        """The config with the head's live settings as the last step recorded them."""
        head = self._config.head
        recorded = {
            name: self._batch[name] for name in IN_FORCE if math.isfinite(self._batch.get(name, math.nan))
        }
        changed = {name: type(getattr(head, name))(value) for name, value in recorded.items()}
        changed = {name: value for name, value in changed.items() if value != getattr(head, name)}
        if not changed:
            return self._config
        return self._config.model_copy(update={"head": head.model_copy(update=changed)})


def _tail(points: tuple[tuple[int, float], ...]) -> Tail:
    return Tail(tuple(step for step, _ in points), tuple(value for _, value in points))
