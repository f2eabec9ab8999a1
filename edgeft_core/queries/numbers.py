"""What the command line prints as JSON: every number finite or null, so that any reader can parse it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from edgeft_core.autopilot.record import Autopilot
from edgeft_core.queries.opened import catalog_of, metrics_of
from edgeft_core.queries.status import run_status
from edgeft_core.settings import Home
from edgeft_core.store.contract import CommandRecord, SeriesView


def show(home: Home, run_id: str) -> dict[str, Any]:
    """The object of ``show --json``: the documented keys first, further ones behind them."""
    status = run_status(home, run_id)
    commands = catalog_of(home).commands(status.id)
    chance = status.chance
    return {
        "run": status.id,
        "name": status.name,
        "state": status.state.value,
        "stage": status.stage,
        "epoch": status.epoch,
        "step": status.step,
        "steps_total": status.steps_total,
        "images_per_s": finite(status.images_per_s),
        "eta_s": finite(status.eta_s),
        "metrics": {name: finite(value) for name, value in status.latest.items()},
        "chance": {"top1": chance.top1 if chance else None, "top5": chance.top5 if chance else None},
        "commands": [row for one in commands for row in _command_rows(one)],
        "verdict": status.verdict.status if status.verdict else None,
        "error": status.error or None,
        "stages": status.stages,
        "epochs": status.epochs,
        "fraction": status.fraction,
        "device": status.device,
        "n_classes": status.n_classes,
        "warnings": list(status.warnings),
        "log": list(status.log_lines),
        "problem": status.problem or None,
        "since_step": status.verdict.since_step if status.verdict else None,
        "reasons": list(status.verdict.reasons) if status.verdict else [],
        "likely_cause": status.likely_cause or None,
        "fork": asdict(status.origin) if status.origin else None,
        "autopilot": autopilot_json(status.autopilot),
    }


def autopilot_json(pilot: Autopilot) -> dict[str, Any]:
    """What ``show --json`` and ``autopilot --json`` tell of it."""
    candidate = pilot.candidates[0] if pilot.candidates else None
    return {
        "on": pilot.is_on,
        "phase": pilot.phase.value,
        "since": pilot.at or None,
        "reason": pilot.reason or None,
        "acts": pilot.acts,
        "max_acts": pilot.max_acts,
        "trying": candidate.remedy.changes if candidate else {},
        "cause": candidate.remedy.cause if candidate else None,
        "child": pilot.child or None,
    }


def metrics_json(home: Home, run_id: str, *, keys: Sequence[str] = (), last: int = 100) -> dict[str, Any]:
    """The object of ``metrics --json``: the newest ``last`` rows of each series.

    Returns:
        ``{"run", "name", "keys", "series": {key: {"step": [...], "value": [...]}}}``; all recorded keys by default. A
        key that was never recorded is missing from ``series``.
    """
    run = catalog_of(home).run(run_id)
    with metrics_of(home, run.id) as reader:
        every, now_and_then = reader.batch_keys(), reader.signal_keys()
        wanted = list(keys) or list(reader.keys())
        dense = [key for key in wanted if key in every]
        sparse = [key for key in wanted if key in now_and_then and key not in every]
        found = _points(reader.tail(dense, last), dense, last) | _points(reader.sparse(sparse), sparse, last)
    return {
        "run": run.id,
        "name": run.name,
        "keys": [key for key in wanted if key in found],
        "series": {key: found[key] for key in wanted if key in found},
    }


def finite(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity: null stands for them."""
    return None if value is None or not math.isfinite(value) else value


def _points(view: SeriesView, keys: Sequence[str], last: int) -> dict[str, dict[str, list[Any]]]:
    found = {}
    for key in keys:
        there = np.flatnonzero(~np.isnan(view.high[key]))[-max(1, last) :]
        values = [finite(value) for value in view.high[key][there].tolist()]
        found[key] = {"step": view.step_V[there].tolist(), "value": values}
    return found


def _command_rows(command: CommandRecord) -> list[dict[str, Any]]:
    """One row per changed key; a command without keys is one row with its kind as the key."""
    changes: Mapping[str, Any] = command.changes or {command.kind: None}
    if command.to_step is not None:
        changes = {command.kind: command.to_step}
    return [
        {
            "key": key,
            "value": value,
            "requested_at": command.requested_at.isoformat(),
            "outcome": command.outcome,
            "step": command.step,
            "reason": command.reason,
            "id": command.id,
            "kind": command.kind,
            "requested_by": command.requested_by,
            "previous": command.previous.get(key),
            "over_steps": command.over_steps or None,
        }
        for key, value in changes.items()
    ]
