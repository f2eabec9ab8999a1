"""Two runs side by side: what was set differently, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from edgeft_core.config_keys import flatten, settings_of
from edgeft_core.queries.opened import catalog_of, metrics_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord


@dataclass(frozen=True)
class Comparison:
    """Attributes:
    settings: key, title, unit, first, second; only those that differ, missing where a run has no such key.
    metrics: name, first, second, difference; last values, and the best validation ones as ``best val_top1``.
    """

    first: RunRecord
    second: RunRecord
    settings: pd.DataFrame
    metrics: pd.DataFrame


def compare(home: Home, first_id: str, second_id: str) -> Comparison:
    """Raises UnknownRunError."""
    catalog = catalog_of(home)
    first, second = catalog.run(first_id), catalog.run(second_id)
    return Comparison(first, second, _settings(first, second), _metrics(home, first, second))


def _settings(first: RunRecord, second: RunRecord) -> pd.DataFrame:
    left, right = flatten(first.config), flatten(second.config)
    known = settings_of(first.config) | settings_of(second.config)
    rows = [
        (key, one.title, one.unit, left.get(key), right.get(key))
        for key, one in known.items()
        if key not in left or key not in right or left[key] != right[key]
    ]
    return pd.DataFrame(rows, columns=["key", "title", "unit", "first", "second"], dtype=object)


def _metrics(home: Home, first: RunRecord, second: RunRecord) -> pd.DataFrame:
    left, right = _numbers(home, first), _numbers(home, second)
    names = list(dict.fromkeys((*left, *right)))
    rows = [(name, left.get(name), right.get(name)) for name in names]
    table = pd.DataFrame(rows, columns=["name", "first", "second"]).astype({"first": float, "second": float})
    table["difference"] = table["second"] - table["first"]
    return table


def _numbers(home: Home, run: RunRecord) -> dict[str, float]:
    best = {f"best {name}": float(value) for name, value in (run.summary.get("best") or {}).items()}
    with metrics_of(home, run.id) as reader:
        return best | dict(reader.latest())
