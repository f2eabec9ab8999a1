"""Runs side by side: what was set differently, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from edgeft_core.config_keys import flatten, settings_of
from edgeft_core.queries.opened import catalog_of, metrics_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord


@dataclass(frozen=True)
class Comparison:
    """Attributes:
    runs: in the order in which they were asked for.
    settings: key, title, unit, and a column per run, named by its id; only those that differ, missing where a run
        has no such key.
    metrics: name, and a column per run; last values, and the best validation ones as ``best val_top1``.
    """

    runs: tuple[RunRecord, ...]
    settings: pd.DataFrame
    metrics: pd.DataFrame


def compare(home: Home, *run_ids: str) -> Comparison:
    """Raises UnknownRunError."""
    catalog = catalog_of(home)
    runs = tuple(catalog.run(run_id) for run_id in run_ids)
    return Comparison(runs, _settings(runs), _metrics(home, runs))


def _settings(runs: Sequence[RunRecord]) -> pd.DataFrame:
    values = [flatten(run.config) for run in runs]
    known = {key: one for run in runs for key, one in settings_of(run.config).items()}
    rows = [
        (key, one.title, one.unit, *(its.get(key) for its in values))
        for key, one in known.items()
        if any(key not in its or its[key] != values[0].get(key) for its in values)
    ]
    return pd.DataFrame(rows, columns=["key", "title", "unit", *(run.id for run in runs)], dtype=object)


def _metrics(home: Home, runs: Sequence[RunRecord]) -> pd.DataFrame:
    numbers = [_numbers(home, run) for run in runs]
    names = list(dict.fromkeys(name for its in numbers for name in its))
    rows = [(name, *(its.get(name) for its in numbers)) for name in names]
    ids = [run.id for run in runs]
    return pd.DataFrame(rows, columns=["name", *ids]).astype(dict.fromkeys(ids, float))


def _numbers(home: Home, run: RunRecord) -> dict[str, float]:
    best = {f"best {name}": float(value) for name, value in (run.summary.get("best") or {}).items()}
    with metrics_of(home, run.id) as reader:
        return best | dict(reader.latest())
