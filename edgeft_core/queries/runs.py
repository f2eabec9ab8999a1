"""All runs as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from edgeft_core.autopilot.record import Autopilot
from edgeft_core.jobs.forking import Origin
from edgeft_core.labs.sweep.heads import sweep_words
from edgeft_core.queries.status import duration_s
from edgeft_core.store.contract import Catalog, RunRecord

COLUMNS = [
    "id",
    "name",
    "state",
    "preset",
    "data",
    "backbone",
    "weights",
    "normalisation",
    "head",
    "scale",
    "margin_rad",
    "temperature",
    "sweep",
    "head_lr",
    "backbone_lr",
    "n_classes",
    "step",
    "progress",
    "best_top1",
    "best_top5",
    "max_class_share",
    "verdict",
    "verdict_since",
    "created_at",
    "started_at",
    "duration_s",
    "parent_id",
    "origin",
    "error",
]


def runs_table(catalog: Catalog, *, limit: int = 1000) -> pd.DataFrame:
    """One row per run, newest first; the catalog alone answers it, no metrics file is opened.

    Columns: id, name, state, preset; data (source), backbone, weights, normalisation, head, scale, margin_rad,
    temperature, sweep (its axes in words, missing for other runs);
    head_lr (first stage), backbone_lr (last stage that trains it, else missing); n_classes, step, progress
    (share of all steps), best_top1, best_top5 (validation), max_class_share (last), verdict and
    verdict_since (step; missing before the first step), created_at, started_at, duration_s, parent_id, origin
    ("fork of X at step N"; missing for a run of its own), error.
    """
    runs = catalog.runs(limit=limit)
    names = {run.id: run.name for run in runs}
    table = pd.DataFrame([_row(run, names) for run in runs], columns=COLUMNS)
    numbers = [
        "head_lr",
        "backbone_lr",
        "progress",
        "best_top1",
        "best_top5",
        "max_class_share",
        "duration_s",
    ]
    return table.astype(
        dict.fromkeys(numbers, float) | {"n_classes": "Int64", "step": "Int64", "verdict_since": "Int64"}
    )


def _row(run: RunRecord, names: Mapping[str, str]) -> dict[str, Any]:
    config, summary = run.config, run.summary
    best, metrics = summary.get("best") or {}, summary.get("metrics") or {}
    step, total = summary.get("step"), summary.get("steps_total")
    trained = [stage.backbone_lr for stage in config.stages if stage.train_backbone]
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state.value,
        "preset": config.preset,
        "data": config.data.source,
        "backbone": config.backbone.name,
        "weights": config.backbone.weights,
        "normalisation": config.data.normalisation,
        "head": config.head.kind,
        "scale": config.head.scale,
        "margin_rad": config.head.margin_rad,
        "temperature": config.head.temperature,
        "sweep": sweep_words(config.sweep) if config.sweep else None,
        "head_lr": config.stages[0].head_lr,
        "backbone_lr": trained[-1] if trained else None,
        "n_classes": summary.get("n_classes"),
        "step": step,
        "progress": min(1.0, step / total) if step is not None and total else None,
        "best_top1": best.get("val_top1"),
        "best_top5": best.get("val_top5"),
        "max_class_share": metrics.get("max_class_share"),
        "verdict": summary.get("verdict"),
        "verdict_since": summary.get("verdict_since"),
        "created_at": run.created_at,
        "started_at": run.started_at,
        "duration_s": duration_s(run),
        "parent_id": run.parent_id,
        "origin": _origin(run, names),
        "error": run.error,
    }


def _origin(run: RunRecord, names: Mapping[str, str]) -> str | None:
    """What a run was made from, in words; None for one of its own.

    Args:
        names: of the runs that are there, by id.
    """
    if run.parent_id is None:
        return None
    parent = names.get(run.parent_id, run.parent_id)
    fork, by_itself = Origin.of(run), Autopilot.of(run).parent == run.parent_id
    if by_itself:
        return f"autopilot of {parent}, " + (f"from step {fork.step}" if fork else "from the beginning")
    if fork is not None:
        return fork.words
    return f"{'replay' if run.summary.get('replay') else 'restart'} of {parent}"
