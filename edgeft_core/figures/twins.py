"""A signal of two twins, with and without a fix, as two named lines in one small chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from edgeft_core.figures.chart import LineChart, Reference
from edgeft_core.figures.curves import Curve, Style

WITHOUT: Final = Style("without", "The run as it is.", index=1, dash="dot", in_legend=False)
WITH: Final = Style("with the fix", "The same start and data, with the fix.", index=0, in_legend=False)

Values = Sequence[float | None]


def twin_chart(
    without: tuple[Sequence[int], Values],
    with_fix: tuple[Sequence[int], Values],
    *,
    percent: bool,
    references: tuple[Reference, ...] = (),
) -> LineChart:
    """Two lines over the steps of a trial.

    Args:
        without, with_fix: steps and values; None where nothing was measured.
        percent: whether the values are shares.
        references: what to compare with, in the unit of the chart.
    """
    factor = 100.0 if percent else 1.0
    curves = (_curve(WITHOUT, *without, factor), _curve(WITH, *with_fix, factor))
    last = max((one.x_P[-1] for one in curves if len(one.x_P)), default=1.0)
    return LineChart(
        curves, unit=" %" if percent else "", references=references, x_range=(1.0, max(2.0, float(last)))
    )


def _curve(style: Style, steps: Sequence[int], values: Values, factor: float) -> Curve:
    there = [(step, value * factor) for step, value in zip(steps, values, strict=True) if value is not None]
    x_P = np.array([step for step, _ in there], np.float64)
    y_P = np.array([value for _, value in there], np.float64)
    return Curve(style, x_P, y_P, y_P, y_P, len(there))
