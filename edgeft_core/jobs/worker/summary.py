"""The few numbers about a run that lists show without opening its metrics file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.events import (
    BatchDone,
    Event,
    PauseChanged,
    PlanChanged,
    Progress,
    RunEnded,
    RunPrepared,
    SignalsMeasured,
    StageStarted,
    SweepAdvanced,
    SweepMeasured,
)
from edgeft_core.jobs.worker.pace import Pace

CLASS_NAMES_FILE = "classes.json"

# Parts of the weights' accounting that would make every heartbeat heavy; the run's facts hold them.
_LONG = frozenset({"modules", "problems"})

# Signals of which the best value so far is kept, and which of two values is better.
BEST = {"val_top1": max, "val_top5": max, "val_loss": min}


class Summary:
    """What ``RunRecord.summary`` holds, kept up to date by the run's events.

    Args:
        before: the summary that an earlier worker of the same run left.
    """

    def __init__(self, config: RunConfig, before: Mapping[str, Any]) -> None:
        self._pace = Pace(config.stages)
        self._steps_per_epoch = 0
        self._metrics: dict[str, float | None] = dict(before.get("metrics") or {})
        self._measured: dict[str, float] = {}
        self._best: dict[str, float] = dict(before.get("best") or {})
        self._changed: dict[str, Any] = {}
        self._position: tuple[int, int, float] | None = None
        self._observers: dict[type[Event], Callable[[Any, float], None]] = {
            RunPrepared: self._prepared,
            Progress: self._progress,
            StageStarted: self._stage_started,
            PlanChanged: self._plan_changed,
            PauseChanged: self._paused,
            BatchDone: self._batch,
            SignalsMeasured: self._signals,
            RunEnded: self._ended,
            SweepAdvanced: self._sweep_advanced,
            SweepMeasured: self._sweep_measured,
        }

    def take(self) -> dict[str, Any]:
        """The keys that changed since the last call."""
        changed, self._changed = self._changed, {}
        if self._measured:
            self._metrics |= finite(self._measured)
            self._measured = {}
            changed["metrics"] = dict(self._metrics)
        if self._position is not None:
            step, stage, epoch = self._position
            eta_s, scope = self._pace.eta(epoch, self._steps_per_epoch)
            changed |= {"step": step, "stage": stage, "epoch": epoch, "eta_s": eta_s, "eta_scope": scope}
            changed |= {
                "images_per_s": self._metrics.get("images_per_s"),
                "progress": changed.get("progress"),
            }
            self._position = None
        return changed

    def note(self, facts: Mapping[str, Any]) -> None:
        """Put facts that are no event of the engine, such as the verdict."""
        self._changed |= facts

    def observe(self, event: Event, at_s: float) -> None:
        """Take in one event that was recorded at ``at_s`` (UTC seconds since the epoch)."""
        if (observer := self._observers.get(type(event))) is not None:
            observer(event, at_s)

    def rewound(self, step: int, latest: Mapping[str, float], best: Mapping[str, float | None]) -> None:
        """The run was taken back to ``step``; what is left of its numbers."""
        self._pace.restart()
        self._position = None
        self._measured = {}
        self._metrics = finite(latest)
        self._best = {name: value for name, value in best.items() if value is not None}
        self._changed |= {"step": step, "metrics": dict(self._metrics), "best": dict(self._best)}

    def _prepared(self, event: RunPrepared, at_s: float) -> None:  # noqa: ARG002
        self._steps_per_epoch = event.steps_per_epoch
        self._changed |= {
            "steps_total": event.steps_total,
            "device": event.device,
            "n_classes": len(event.class_names),
            "class_names_file": CLASS_NAMES_FILE,
            "weights": {name: value for name, value in event.weights.items() if name not in _LONG},
            "warnings": list(event.warnings),
            "split_images": dict(event.split_images),
            "progress": None,
        }

    def _progress(self, event: Progress, at_s: float) -> None:  # noqa: ARG002
        self._changed["progress"] = {"what": event.what, "done": event.done, "total": event.total}

    def _stage_started(self, event: StageStarted, at_s: float) -> None:  # noqa: ARG002
        self._pace.restart(event.stage)
        self._changed |= {"step": event.step, "stage": event.stage}

    def _plan_changed(self, event: PlanChanged, at_s: float) -> None:  # noqa: ARG002
        self._pace.plan(event.stages)
        self._changed |= {
            "steps_total": event.steps_total,
            "stage_epochs": [stage.epochs for stage in event.stages],
        }

    def _paused(self, event: PauseChanged, at_s: float) -> None:  # noqa: ARG002
        self._pace.restart()

    def _batch(self, event: BatchDone, at_s: float) -> None:
        self._pace.mark(event.step, at_s)
        self._position = (event.step, event.stage, event.epoch)
        self._changed.pop("progress", None)
        self._measured.update(event.scalars)

    def _signals(self, event: SignalsMeasured, at_s: float) -> None:  # noqa: ARG002
        self._measured.update(event.scalars)
        for name, better in BEST.items():
            value = event.scalars.get(name)
            if value is not None and math.isfinite(value):
                self._best[name] = better(value, self._best.get(name, value))
        self._changed["best"] = dict(self._best)

    def _sweep_advanced(self, event: SweepAdvanced, at_s: float) -> None:
        self._pace.mark(event.step, at_s)
        self._position = (event.step, 0, event.epoch)
        self._changed.pop("progress", None)
        self._measured["images_per_s"] = event.images_per_s

    def _sweep_measured(self, event: SweepMeasured, at_s: float) -> None:  # noqa: ARG002
        for name, better in BEST.items():
            for value in event.values[name].tolist():
                if math.isfinite(value):
                    self._best[name] = better(value, self._best.get(name, value))
        self._changed["best"] = dict(self._best)

    def _ended(self, event: RunEnded, at_s: float) -> None:  # noqa: ARG002
        self._measured.update(event.scalars)
        self._changed |= {"step": event.step, "eta_s": 0.0, "eta_scope": "run", "progress": None}


def finite(scalars: Mapping[str, float]) -> dict[str, float | None]:
    """JSON knows no NaN and no infinity: they become null."""
    return {name: value if math.isfinite(value) else None for name, value in scalars.items()}
