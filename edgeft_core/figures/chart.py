"""A line chart with its references, bands and markers: the data, then the figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from edgeft_core.figures import theme
from edgeft_core.figures.axis import STEPS, Float64, HorizontalAxis
from edgeft_core.figures.curves import Curve
from edgeft_core.figures.marks import (
    Marker,
    corner,
    marker_labels,
    marker_shapes,
    on_curves,
    small_font,
)
from edgeft_core.figures.spec import Annotation, Shape, Spec, plain_template
from edgeft_core.figures.text import hover, plain_text
from edgeft_core.figures.theme import Meaning

# Two reference labels closer than this share of the chart's height would overlap.
_LABEL_GAP: Final = 0.09
# Room above the highest value, as a share of the height; more where a label stands on top.
_ROOM: Final = 0.06
_LABEL_ROOM: Final = 0.14
# Above the chart: the legend, and the words of markers below it.
MARGIN: Final = {"t": 33, "b": 20}
_BARE_TOP_PX: Final = 10
_UPPER: Final = (0.40, 1.0)
_LOWER: Final = (0.0, 0.28)
_MOST_LOG_TICKS: Final = 3
_MOST_POINTS_MARKED: Final = 60  # beyond this, dots would run into a thick line


@dataclass(frozen=True)
class Reference:
    """What the curves are compared with: a dashed line with its name, and perhaps a band around it."""

    value: float
    text: str
    band: tuple[float, float] | None = None
    side: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class LineChart:
    """Everything that one chart shows.

    Attributes:
        unit: " %" behind numbers, or nothing.
        lower: curves of a second, logarithmic panel below that shares the x axis (gradient norms).
        x_range: all of x, the same for all charts that are shown together; None follows the curves.
        y_range: fixed vertical range; None follows the data, from 0 where ``from_zero``.
        log_y: positive quantities of many sizes; ``y_range`` and ``from_zero`` do not apply.
    """

    curves: tuple[Curve, ...]
    axis: HorizontalAxis = STEPS
    unit: str = ""
    references: tuple[Reference, ...] = ()
    markers: tuple[Marker, ...] = ()
    lower: tuple[Curve, ...] = ()
    lower_title: str = ""
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    from_zero: bool = True
    log_y: bool = False

    @property
    def empty(self) -> bool:
        return all(one.empty for one in (*self.curves, *self.lower))

    @property
    def has_heading(self) -> bool:
        """Whether a legend or the words of markers stand above it."""
        return bool(self.markers) or any(one.style.in_legend for one in (*self.curves, *self.lower))

    @property
    def reduced(self) -> str:
        """``"showing 400 of 12 000 steps"`` where buckets stand for several steps, else nothing."""
        lines = [one for one in (*self.curves, *self.lower) if not one.style.sparse and not one.empty]
        shown = max((len(one.x_P) for one in lines), default=0)
        total = max((one.total for one in lines), default=0)
        if shown >= total:
            return ""
        return f"showing {theme.format_count(shown)} of {theme.format_count(total)} steps"


def place_labels(
    references: Sequence[Reference], low: float, high: float, *, panel: float = 1.0
) -> tuple[Reference, ...]:
    """Give every reference a label that overlaps no other: to the other side, else into one label.

    Args:
        low, high: vertical range of the chart.
        panel: height of the panel that has this range, as a share of the chart's.
    """
    placed: list[Reference] = []
    height = ((high - low) or 1.0) / panel
    for one in sorted(references, key=lambda reference: reference.value):
        near = {
            other.side: index
            for index, other in enumerate(placed)
            if other.text and abs(one.value - other.value) < _LABEL_GAP * height
        }
        if "right" not in near:
            placed.append(replace(one, side="right"))
        elif "left" not in near:
            placed.append(replace(one, side="left"))
        else:
            at = near["right"]
            placed[at] = replace(placed[at], text=f"{placed[at].text}, {one.text}")
            placed.append(replace(one, text=""))
    return tuple(placed)


def vertical_range(chart: LineChart) -> tuple[float, float]:
    """The range that curves and references need together."""
    if chart.y_range:
        return chart.y_range
    values = [value for one in chart.curves for value in _ends(one)]
    values += [reference.value for reference in chart.references]
    if chart.log_y:
        return _log_range(values)
    if chart.from_zero:
        values.append(0.0)
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    height = (high - low) or 1.0
    labelled = any(reference.value >= high for reference in chart.references)
    room = (_LABEL_ROOM if labelled else _ROOM) * height
    return (low if chart.from_zero and low >= 0 else low - _ROOM * height), high + room / _panel_height(chart)


def _panel_height(chart: LineChart) -> float:
    """Of the panel of the curves, as a share of the chart's height."""
    return _UPPER[1] - _UPPER[0] if chart.lower else 1.0


def _log_range(values: Sequence[float]) -> tuple[float, float]:
    """With room for a label above the highest."""
    positive = [value for value in values if np.isfinite(value) and value > 0]
    return (0.8 * min(positive), 1.8 * max(positive)) if positive else (1e-3, 1.0)


def draw(chart: LineChart) -> Spec:
    """Lines, references with their names, markers."""
    low, high = vertical_range(chart)
    references = place_labels(chart.references, low, high, panel=_panel_height(chart))
    curves = [(one, chart.unit, "y") for one in chart.curves] + [(one, "", "y2") for one in chart.lower]
    shown = [(one, unit, y_axis) for one, unit, y_axis in curves if not one.empty]
    return {
        "data": [trace for one, unit, y_axis in shown for trace in _traces(one, chart.axis, unit, y_axis)],
        "layout": {
            **_layout(chart, low, high),
            "shapes": [shape for one in references for shape in _reference_shapes(one)]
            + marker_shapes(chart.markers),
            "annotations": [_reference_label(one, log_y=chart.log_y) for one in references if one.text]
            + marker_labels(chart.markers, chart.x_range)
            + [corner(chart.axis.title)],
        },
    }


def _traces(one: Curve, axis: HorizontalAxis, unit: str, y_axis: str) -> list[dict[str, Any]]:
    colour = _colour(one)
    name = plain_text(one.style.name)
    line = {
        "type": "scatter",
        "x": _compact(one.x_P, axis),
        "y": one.y_P.astype(np.float32),
        "yaxis": y_axis,
        "name": name,
        "legendgroup": name,
        "mode": "lines+markers" if _shows_points(one) else "lines",
        "line": {"color": colour, "width": theme.LINE_WIDTH_PX, "dash": one.style.dash},
        "marker": {"color": colour, "size": 5},
        "connectgaps": one.style.sparse,
        "showlegend": one.style.in_legend,
        "hovertemplate": hover(one.style.name, one.style.text, unit, axis),
    }
    if not one.has_spread:
        return [line]
    behind = {
        "type": "scatter",
        "yaxis": y_axis,
        "name": name,
        "legendgroup": name,
        "mode": "lines",
        "showlegend": False,
        "hoverinfo": "skip",
        **_measured(one, axis, colour),
    }
    return [behind, line]


def _shows_points(one: Curve) -> bool:
    return len(one.x_P) == 1 or (one.style.sparse and len(one.x_P) <= _MOST_POINTS_MARKED)


def _measured(one: Curve, axis: HorizontalAxis, colour: str) -> dict[str, Any]:
    """What the line was made from: a faint line where it was smoothed, a band where buckets stand for many steps."""
    present = np.isfinite(one.low_P)
    x_P, low_P, high_P = one.x_P[present], one.low_P[present], one.high_P[present]
    if np.array_equal(low_P, high_P):
        faint = {"color": theme.translucent(colour, 0.35), "width": 0.8}
        return {"x": _compact(x_P, axis), "y": low_P.astype(np.float32), "line": faint}
    return {
        "x": _compact(np.concatenate([x_P, x_P[::-1]]), axis),
        "y": np.concatenate([high_P, low_P[::-1]]).astype(np.float32),
        "line": {"width": 0, "color": colour},
        "fill": "toself",
        "fillcolor": theme.translucent(colour, 0.22),
    }


def _reference_shapes(reference: Reference) -> list[Shape]:
    line: Shape = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": reference.value,
        "y1": reference.value,
        "line": theme.line(Meaning.CHANCE, width=1.0),
    }
    if not reference.band:
        return [line]
    low, high = reference.band
    band: Shape = {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": low,
        "y1": high,
        "layer": "below",
        "line": {"width": 0},
        "fillcolor": theme.translucent(theme.colour(Meaning.CHANCE), 0.15),
    }
    return [band, line]


def _reference_label(reference: Reference, *, log_y: bool) -> Annotation:
    return {
        "xref": "paper",
        "x": 1 if reference.side == "right" else 0,
        "xanchor": reference.side,
        "y": math.log10(reference.value) if log_y else reference.value,  # shapes take the value even so
        "yanchor": "bottom",
        "text": reference.text,
        **on_curves(),
    }


def _layout(chart: LineChart, low: float, high: float) -> dict[str, Any]:
    x_axis: dict[str, Any] = {"range": list(chart.x_range)} if chart.x_range else {}
    y_axis: dict[str, Any] = {"ticksuffix": chart.unit, "range": [low, high]}
    if chart.log_y:
        y_axis |= _log_axis(low, high)
    layout: dict[str, Any] = {
        "template": plain_template(),
        "hovermode": "closest",
        "hoverdistance": -1,
        "xaxis": x_axis,
        "yaxis": y_axis,
        "margin": MARGIN if chart.has_heading else {**MARGIN, "t": _BARE_TOP_PX},
    }
    if chart.lower:
        x_axis["anchor"] = "y2"
        y_axis["domain"] = _UPPER
        layout["yaxis2"] = _lower_axis(chart)
    return layout


def _lower_axis(chart: LineChart) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "domain": _LOWER,
        "type": "log",
        "title": {"text": chart.lower_title, "font": small_font()},
        "tickfont": {"size": 10},
    }
    positive = [value for one in chart.lower for value in _ends(one) if value > 0]
    if positive:
        axis |= _log_axis(0.8 * min(positive), 1.25 * max(positive))
    return axis


def _log_axis(low: float, high: float) -> dict[str, Any]:
    """A logarithmic axis with a few round ticks."""
    ticks = log_ticks(low, high)
    return {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [theme.format_number(tick) for tick in ticks],
    }


def log_ticks(low: float, high: float) -> list[float]:
    """A few round numbers between two positive ones: powers of ten, with 2 and 5 where there is room for them."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    fine = [float(f"{mantissa}e{power}") for power in decades for mantissa in (1, 2, 5)]
    inside = [tick for tick in fine if low <= tick <= high]
    if len(inside) <= _MOST_LOG_TICKS:
        return inside
    powers = [float(f"1e{power}") for power in decades if low <= 10.0**power <= high]
    return powers[:: -(-len(powers) // _MOST_LOG_TICKS)]


def _colour(one: Curve) -> str:
    style = one.style
    return theme.colour(style.meaning) if style.meaning else theme.series_colour(style.index)


def _compact(x_P: Float64, axis: HorizontalAxis) -> Any:
    """Half the bytes on the wire: steps as int32, epochs and minutes as float32."""
    return x_P.astype(np.int32 if axis.kind == "step" else np.float32)


def _ends(one: Curve) -> tuple[float, float]:
    if one.empty:
        return float("nan"), float("nan")
    return float(np.nanmin(one.low_P)), float(np.nanmax(one.high_P))
