"""One run at one moment, as the status line and the place of the verdict tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from edgeft_core.autopilot.record import Autopilot
from edgeft_core.diagnostics.status import Verdict
from edgeft_core.jobs.forking import Origin
from edgeft_core.jobs.liveness import last_lines
from edgeft_core.jobs.states import ENDED, RunState
from edgeft_core.queries.opened import catalog_of, metrics_of
from edgeft_core.queries.predictions import Chance, chance_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord


@dataclass(frozen=True)
class RunStatus:
    """What the top of the live page says.

    Attributes:
        stage: 0-based, None before the first; stages: how many there are.
        epoch: position within the stage, fractional; epochs: of this stage.
        fraction: share of all steps that are done, None before their number is known.
        eta_s: seconds until the end of ``eta_scope`` ("run" or "stage").
        progress: long work that is not a step: {"what", "done", "total"}, or None.
        heartbeat_age_s: seconds since the worker last wrote; None before the first time.
        latest: last value of every recorded signal.
        max_class_share, window_images: share of the most predicted class among so many latest predictions.
        chance: what guessing would score over that window.
        log_lines: the last lines of the log of a run that failed or was lost.
        problem: a sentence if the recorded metrics are damaged.
        verdict: how the run is doing; None before its first step.
        origin: the checkpoint of another run that it set out from; None for one that started from the beginning.
        likely_cause, cause_confidence: id of the likeliest cause when the verdict was last new; empty for none.
    """

    id: str
    name: str
    state: RunState
    stage: int | None
    stages: int
    stage_name: str
    epoch: float
    epochs: int
    step: int
    steps_total: int
    fraction: float | None
    images_per_s: float | None
    eta_s: float | None
    eta_scope: str
    device: str
    n_classes: int
    progress: Mapping[str, Any] | None
    started_at: datetime | None
    duration_s: float | None
    heartbeat_age_s: float | None
    latest: Mapping[str, float]
    max_class_share: float | None
    effective_classes: float | None
    unique_classes: float | None
    window_images: int
    chance: Chance | None
    warnings: tuple[str, ...]
    error: str
    log_lines: tuple[str, ...]
    problem: str
    verdict: Verdict | None = None
    likely_cause: str = ""
    cause_confidence: float | None = None
    origin: Origin | None = None
    autopilot: Autopilot = field(default_factory=Autopilot)


def run_status(home: Home, run_id: str) -> RunStatus:
    """The run's status; its newest numbers come from the metrics, which are ahead of the catalog.

    Raises:
        UnknownRunError: no such run.
    """
    run = catalog_of(home).run(run_id)
    with metrics_of(home, run.id) as reader:
        latest, newest = reader.latest(), reader.last_step()
        n_classes = reader.n_classes() or int(run.summary.get("n_classes") or 0)
        problem = reader.problem
    summary = run.summary
    step = max(newest, int(summary.get("step") or 0))
    total = int(summary.get("steps_total") or 0)
    stage = _stage(run)
    window = int(latest.get("window_images", 0))
    broken = run.state in {RunState.FAILED, RunState.LOST}
    return RunStatus(
        id=run.id,
        name=run.name,
        state=run.state,
        stage=stage,
        stages=len(run.config.stages),
        stage_name="" if stage is None else run.config.stages[stage].name,
        epoch=float(summary.get("epoch") or 0.0),
        epochs=0 if stage is None else _epochs(run, stage),
        step=step,
        steps_total=total,
        fraction=min(1.0, step / total) if total else None,
        images_per_s=_rate(run),
        eta_s=summary.get("eta_s") if run.state not in ENDED else None,
        eta_scope=str(summary.get("eta_scope") or "run"),
        device=str(summary.get("device") or ""),
        n_classes=n_classes,
        progress=summary.get("progress"),
        started_at=run.started_at,
        duration_s=duration_s(run),
        heartbeat_age_s=_age_s(run.heartbeat_at),
        latest=latest,
        max_class_share=latest.get("max_class_share"),
        effective_classes=latest.get("effective_classes"),
        unique_classes=latest.get("unique_classes"),
        window_images=window,
        chance=chance_of(n_classes, window),
        warnings=_warnings(run),
        error=run.error,
        log_lines=tuple(last_lines(home, run.id)) if broken else (),
        problem=problem,
        verdict=verdict_of(run),
        likely_cause=str(summary.get("verdict_cause") or ""),
        cause_confidence=summary.get("verdict_confidence"),
        origin=Origin.of(run),
        autopilot=Autopilot.of(run),
    )


def _warnings(run: RunRecord) -> tuple[str, ...]:
    """What stays with the run, and what it waits for just now."""
    summary = run.summary
    waits = [summary["waiting"]] if summary.get("waiting") and run.state not in ENDED else []
    return (*waits, *(summary.get("warnings") or ()), *(summary.get("config_problems") or ()))


def verdict_of(run: RunRecord) -> Verdict | None:
    """The verdict that the worker last wrote; None before it wrote one."""
    summary = run.summary
    if not summary.get("verdict"):
        return None
    return Verdict.from_dict(
        {
            "status": summary["verdict"],
            "since_step": summary.get("verdict_since"),
            "reasons": summary.get("verdict_reasons"),
        }
    )


def duration_s(run: RunRecord) -> float | None:
    """Seconds from the first step to the end, or until now; None before the start."""
    if run.started_at is None:
        return None
    return ((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds()


def _stage(run: RunRecord) -> int | None:
    stage = run.summary.get("stage")
    return None if stage is None else min(max(int(stage), 0), len(run.config.stages) - 1)


def _epochs(run: RunRecord, stage: int) -> int:
    """Of one stage, as live changes left it."""
    planned = run.summary.get("stage_epochs") or []
    return int(planned[stage]) if stage < len(planned) else run.config.stages[stage].epochs


def _rate(run: RunRecord) -> float | None:
    rate = run.summary.get("images_per_s")
    return None if rate is None or run.state in ENDED else float(rate)


def _age_s(moment: datetime | None) -> float | None:
    return None if moment is None else max(0.0, (datetime.now(UTC) - moment).total_seconds())
