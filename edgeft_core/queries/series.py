"""Recorded series as lines: which are of every batch is not the caller's business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeft_core.queries.opened import catalog_of, metrics_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import SeriesView

XKind = Literal["step", "epoch", "time"]


@dataclass(frozen=True)
class Line:
    """One series over P points.

    Attributes:
        x_P: position on the asked axis: step, epoch over all stages, or UTC seconds since the epoch.
        step_P, last_step_P: first and last step that each point stands for.
        low_P, high_P: smallest and largest value of those steps; equal where nothing was reduced.
    """

    x_P: npt.NDArray[np.float64]
    step_P: npt.NDArray[np.int64]
    last_step_P: npt.NDArray[np.int64]
    low_P: npt.NDArray[np.float32]
    high_P: npt.NDArray[np.float32]


@dataclass(frozen=True)
class SeriesLines:
    """Lines by key, and how much was left out.

    Attributes:
        total: recorded batches in the range.
        shown: points that stand for them ("showing N of M").
        problem: a sentence if the recorded metrics are damaged.
    """

    x: XKind
    lines: Mapping[str, Line]
    total: int
    shown: int
    problem: str = ""


def series(
    home: Home,
    run_id: str,
    keys: Sequence[str],
    *,
    x: XKind = "step",
    first: int = 0,
    last: int | None = None,
    points: int = 750,
) -> SeriesLines:
    """Series over the steps ``first .. last``, at most ``points`` min/max points each.

    Args:
        keys: signal names; a key that was never recorded gives an empty line.

    Raises:
        UnknownRunError: no such run.
    """
    run = catalog_of(home).run(run_id)
    with metrics_of(home, run.id) as reader:
        dense = [key for key in keys if key in set(reader.batch_keys())]
        rest = [key for key in keys if key not in dense]
        every = reader.view(dense, first=first, last=last, points=points)
        now_and_then = reader.sparse(rest, first=first, last=last, points=points)
        problem = reader.problem
    lines = {key: _line(every if key in dense else now_and_then, key, x) for key in keys}
    return SeriesLines(x, lines, every.total, len(every.step_V), problem)


def _line(view: SeriesView, key: str, x: XKind) -> Line:
    """The points at which the key has a value."""
    positions = {"step": view.step_V.astype(np.float64), "epoch": view.epoch_V, "time": view.time_V}[x]
    there = ~np.isnan(view.low[key])
    return Line(
        positions[there],
        view.step_V[there],
        view.last_step_V[there],
        view.low[key][there],
        view.high[key][there],
    )
