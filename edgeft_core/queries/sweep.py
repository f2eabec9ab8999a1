"""What a sweep measured, as pages and the command line read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from edgeft_core.config import RunConfig
from edgeft_core.errors import RequestError
from edgeft_core.labs.sweep.heads import HeadSettings, config_of
from edgeft_core.queries.opened import catalog_of
from edgeft_core.settings import Home
from edgeft_core.store import SweepTable, read_sweep_table
from edgeft_core.store.contract import RunRecord

MEASURES: Final = (
    "max_class_share",
    "effective_classes",
    "top1",
    "top5",
    "val_max_class_share",
    "val_effective_classes",
    "val_top1",
    "val_top5",
    "val_loss",
)
"""Every measure: first those of the latest training images, then those of the validation set; margin off."""


@dataclass(frozen=True)
class SweepResults:
    """A sweep and what it measured so far.

    Attributes:
        table: None before its heads are planned.
    """

    run: RunRecord
    table: SweepTable | None

    @property
    def keys(self) -> tuple[str, ...]:
        """Dotted keys of the axes."""
        assert self.run.config.sweep is not None
        return tuple(axis.key for axis in self.run.config.sweep.axes)

    @property
    def n_classes(self) -> int:
        return int(self.run.summary.get("n_classes") or 0)

    @property
    def validation_images(self) -> int:
        """Images that every head is validated on."""
        assert self.run.config.sweep is not None
        there = int((self.run.summary.get("split_images") or {}).get("validation") or 0)
        return min(there, self.run.config.sweep.validation_images)

    def window_images(self, step: int) -> int:
        """Latest training images that measures look at after ``step`` steps."""
        return min(step * self.run.config.data.batch_size, self.run.config.monitor.window_images)

    def newest_look(self) -> int:
        """Place of the newest look at which any head was measured; -1 before the first."""
        if self.table is None or not self.table.values:
            return -1
        there_F = np.isfinite(np.concatenate(list(self.table.values.values()))).any(axis=0)
        return int(np.flatnonzero(there_F)[-1]) if there_F.any() else -1


def sweep_results(home: Home, run_id: str) -> SweepResults:
    """A sweep's results so far.

    Raises:
        UnknownRunError: no such run.
        RequestError: the run is no sweep.
        HomeError: its table is damaged.
    """
    run = catalog_of(home).run(run_id)
    if run.config.sweep is None:
        raise RequestError(
            f"Run {run.name} ({run.id}) is no sweep; start one with: python -m edgeft_core sweep --axis head.scale=4,8"
        )
    return SweepResults(run, read_sweep_table(home.sweep_file(run.id)))


def sweeps(home: Home, *, limit: int = 200) -> list[RunRecord]:
    """The sweeps among the runs, newest first."""
    return [run for run in catalog_of(home).runs(limit=limit) if run.config.sweep is not None]


def sweep_frame(results: SweepResults, *, step: int | None = None, every_look: bool = False) -> pd.DataFrame:
    """One row per head: its number, settings, step, epoch and measures.

    Args:
        step: the last look not after this step; None takes each head's newest.
        every_look: one row per head and look instead, as a CSV file holds them.
    """
    columns = ["head", *results.keys, "step", "epoch", *MEASURES]
    table = results.table
    if table is None:
        return pd.DataFrame(columns=columns)
    n_heads, n_looks = len(table.heads), len(table.step_F)
    values = {name: table.values.get(name, np.full((n_heads, n_looks), np.nan)) for name in MEASURES}
    there_KF = np.isfinite(np.stack(list(values.values()))).any(axis=0)
    if step is not None:
        there_KF = there_KF & (table.step_F <= step)
    if not every_look:
        newest_K = np.where(there_KF.any(axis=1), n_looks - 1 - there_KF[:, ::-1].argmax(axis=1), -1)
        there_KF = np.arange(n_looks) == newest_K[:, None]
    head_R, look_R = np.nonzero(there_KF)
    frame = pd.DataFrame({"head": head_R})
    for key in results.keys:
        frame[key] = [table.heads[head][key] for head in head_R.tolist()]
    frame["step"], frame["epoch"] = table.step_F[look_R], table.epoch_F[look_R]
    for name in MEASURES:
        frame[name] = values[name][head_R, look_R].astype(float)
    return frame[columns]


def head_settings(results: SweepResults, head: int) -> HeadSettings:
    """The settings in which one head differs."""
    assert results.table is not None
    return dict(results.table.heads[head])


def head_config(results: SweepResults, head: int) -> RunConfig:
    """The run that trains one head alone."""
    return config_of(results.run.config, head_settings(results, head))


def best_heads(frame: pd.DataFrame, *, count: int = 5) -> list[int]:
    """Numbers of the best heads: highest validation Top-1, then Top-5, then the lowest loss; training without one."""
    on_validation = bool(frame["val_top1"].notna().any())
    order: Sequence[str] = ("val_top1", "val_top5", "val_loss") if on_validation else ("top1", "top5")
    rising = [name == "val_loss" for name in order]
    ranked = frame.dropna(subset=[order[0]]).sort_values(list(order), ascending=rising, kind="stable")
    return [int(head) for head in ranked["head"].head(count)]


def sweep_json(results: SweepResults, frame: pd.DataFrame) -> dict[str, Any]:
    """The object of ``sweep-results --json``."""
    rows = [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
    return {
        "run": results.run.id,
        "name": results.run.name,
        "state": results.run.state.value,
        "axes": list(results.keys),
        "classes": results.n_classes,
        "heads": rows,
        "best": best_heads(frame) if len(frame) else [],
    }
