"""From a stored series to the points of one line: buckets, smoothing, gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from edgeft_core.figures.axis import Float64, HorizontalAxis, View
from edgeft_core.figures.theme import Meaning


@dataclass(frozen=True)
class Style:
    """How a curve looks and what its hover says.

    Attributes:
        meaning: decides the colour; None takes the series colour of number ``index``.
        dash: plotly's dash name; tells apart two curves of one meaning (Top-1 solid, Top-5 dotted).
        sparse: measured now and then (validation): points are marked and joined over gaps.
        in_legend: off for a curve whose look says enough beside another's name.
    """

    name: str
    text: str = ""
    meaning: Meaning | None = None
    index: int = 0
    dash: str = "solid"
    sparse: bool = False
    in_legend: bool = True


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes:
        x_P, y_P: the line; y is the middle of each bucket, smoothed where asked for.
        low_P, high_P: what was measured, unsmoothed: smallest and largest value of each bucket.
        total: values behind the P points.
    """

    style: Style
    x_P: Float64
    y_P: Float64
    low_P: Float64 = field(repr=False)
    high_P: Float64 = field(repr=False)
    total: int

    @property
    def empty(self) -> bool:
        return not bool(np.isfinite(self.y_P).any())

    @property
    def has_spread(self) -> bool:
        """Whether the line hides something that a band has to show."""
        return bool(np.nanmax(np.abs(self.high_P - self.low_P), initial=0.0) > 0) or not np.array_equal(
            self.y_P, self.low_P, equal_nan=True
        )

    @property
    def last(self) -> float:
        """The latest finite value of the line, NaN if there is none."""
        finite = self.y_P[np.isfinite(self.y_P)]
        return float(finite[-1]) if len(finite) else float("nan")


def curve(
    view: View, key: str, style: Style, axis: HorizontalAxis, *, smoothing: float = 0.0, factor: float = 1.0
) -> Curve:
    """The series ``key`` of ``view`` as a curve; empty if the view does not have it.

    Args:
        smoothing: weight of the past in [0, 1) of a debiased exponential mean, as in TensorBoard.
        factor: multiplies the values (100 turns shares into percent).
    """
    nothing = np.full(len(view.step_V), np.nan)
    low_V = np.asarray(view.low.get(key, nothing), dtype=np.float64) * factor
    high_V = np.asarray(view.high.get(key, nothing), dtype=np.float64) * factor
    x_V = axis.positions(view)
    present = np.isfinite(low_V) & np.isfinite(high_V)
    keep = present if style.sparse else _between_ends(present)
    low_P, high_P = low_V[keep], high_V[keep]
    return Curve(style, x_V[keep], smooth((low_P + high_P) / 2, smoothing), low_P, high_P, view.total)


def smooth(values: Float64, weight: float) -> Float64:
    """Debiased exponential mean: ``m_t = w m_{t-1} + (1 - w) x_t``, divided by ``1 - w^t``; NaNs stay NaN."""
    if weight <= 0:
        return values
    mean, debias = 0.0, 1.0
    smoothed = np.full_like(values, np.nan)
    for index, value in enumerate(values.tolist()):
        if math.isnan(value):  # a gap, which must not poison what follows
            continue
        mean = weight * mean + (1 - weight) * value
        debias *= weight
        smoothed[index] = mean / (1 - debias)
    return smoothed


def _between_ends(present: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> slice:
    """From the first to the last present value: inner gaps stay gaps, outer ones take no points."""
    where = np.flatnonzero(present)
    return slice(int(where[0]), int(where[-1]) + 1) if len(where) else slice(0, 0)
