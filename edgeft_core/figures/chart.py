"""A line chart with its references, bands and markers: the data, then the figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import plotly.graph_objects as go

from edgeft_core.figures import theme
from edgeft_core.figures.axis import STEPS, Float64, HorizontalAxis
from edgeft_core.figures.curves import Curve
from edgeft_core.figures.text import hover
from edgeft_core.figures.theme import Meaning

MarkerKind = Literal["change", "stage", "checkpoint", "verdict"]

# Above this many, the labels of markers would cover the curves; the lines stay, the journal has the words.
_MARKER_LABELS: Final = 5
# Two reference labels closer than this share of the chart's height would overlap.
_LABEL_GAP: Final = 0.09
# Room above the highest value, as a share of the height; more where a label stands on top.
_ROOM: Final = 0.06
_LABEL_ROOM: Final = 0.14
MARGIN: Final = {"t": 20, "b": 20}
_UPPER: Final = (0.40, 1.0)
_LOWER: Final = (0.0, 0.28)


@dataclass(frozen=True)
class Reference:
    """What the curves are compared with: a dashed line with its name, and perhaps a band around it."""

    value: float
    text: str
    band: tuple[float, float] | None = None
    side: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class Marker:
    """Something that happened at one position."""

    x: float
    kind: MarkerKind
    text: str


@dataclass(frozen=True)
class LineChart:
    """Everything that one chart shows.

    Attributes:
        unit: " %" behind numbers, or nothing.
        lower: curves of a second, logarithmic panel below that shares the x axis (gradient norms).
        x_range: all of x, the same for all charts that are shown together; None follows the curves.
        y_range: fixed vertical range; None follows the data, from 0 where ``from_zero``.
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

    @property
    def empty(self) -> bool:
        return all(one.empty for one in (*self.curves, *self.lower))

    @property
    def reduced(self) -> str:
        """``"showing 400 of 12 000 steps"`` where buckets stand for several steps, else nothing."""
        lines = [one for one in (*self.curves, *self.lower) if not one.style.sparse and not one.empty]
        shown = max((len(one.x_P) for one in lines), default=0)
        total = max((one.total for one in lines), default=0)
        if shown >= total:
            return ""
        return f"showing {theme.format_count(shown)} of {theme.format_count(total)} steps"


def place_labels(references: Sequence[Reference], low: float, high: float) -> tuple[Reference, ...]:
    """Give every reference a label that overlaps no other: to the other side, else into one label.

    Args:
        low, high: vertical range of the chart.
    """
    placed: list[Reference] = []
    height = (high - low) or 1.0
    for one in sorted(references, key=lambda reference: reference.value):
        near = {
            other.side: index
            for index, other in enumerate(placed)
            if other.text and abs(one.value - other.value) / height < _LABEL_GAP
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
    if chart.from_zero:
        values.append(0.0)
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    height = (high - low) or 1.0
    labelled = any(reference.value >= high for reference in chart.references)
    room = (_LABEL_ROOM if labelled else _ROOM) * height
    return (low if chart.from_zero and low >= 0 else low - _ROOM * height), high + room


def draw(chart: LineChart) -> go.Figure:
    """The figure, in the light palette (the browser recolours it for the dark theme)."""
    figure = go.Figure()
    for one in chart.curves:
        if not one.empty:
            figure.add_traces(_traces(one, chart.axis, chart.unit, "y"))
    for one in chart.lower:
        if not one.empty:
            figure.add_traces(_traces(one, chart.axis, "", "y2"))
    low, high = vertical_range(chart)
    for reference in place_labels(chart.references, low, high):
        _add_reference(figure, reference)
    add_markers(figure, chart.markers)
    add_corner(figure, chart.axis.title)
    figure.update_layout(**_layout(chart, low, high))
    return figure


def _traces(one: Curve, axis: HorizontalAxis, unit: str, y_axis: str) -> list[go.Scatter]:
    colour = _colour(one)
    line = go.Scatter(
        x=_compact(one.x_P, axis),
        y=one.y_P.astype(np.float32),
        yaxis=y_axis,
        name=one.style.name,
        legendgroup=one.style.name,
        mode="lines+markers" if one.style.sparse or len(one.x_P) == 1 else "lines",
        line={"color": colour, "width": theme.LINE_WIDTH_PX, "dash": one.style.dash},
        marker={"color": colour, "size": 5},
        connectgaps=one.style.sparse,
        showlegend=one.style.in_legend,
        hovertemplate=hover(one.style.name, one.style.text, unit, axis),
    )
    if not one.has_spread:
        return [line]
    present = np.isfinite(one.low_P)
    x_P, low_P, high_P = one.x_P[present], one.low_P[present], one.high_P[present]
    if np.array_equal(low_P, high_P):  # smoothed but not reduced: what was measured, faintly
        faint = go.Scatter(
            x=_compact(x_P, axis),
            y=low_P.astype(np.float32),
            mode="lines",
            line={"color": colour, "width": 0.8},
        )
        return [_behind(faint, one, y_axis, opacity=0.35), line]
    outline = go.Scatter(
        x=_compact(np.concatenate([x_P, x_P[::-1]]), axis),
        y=np.concatenate([high_P, low_P[::-1]]).astype(np.float32),
        mode="lines",
        line={"width": 0, "color": colour},
        fill="toself",
        fillcolor=theme.translucent(colour, 0.22),
    )
    return [_behind(outline, one, y_axis, opacity=1.0), line]


def _behind(trace: go.Scatter, one: Curve, y_axis: str, *, opacity: float) -> go.Scatter:
    return trace.update(
        yaxis=y_axis,
        name=one.style.name,
        legendgroup=one.style.name,
        showlegend=False,
        hoverinfo="skip",
        opacity=opacity,
    )


def _add_reference(figure: go.Figure, reference: Reference) -> None:
    if reference.band:
        low, high = reference.band
        figure.add_shape(
            type="rect",
            xref="paper",
            x0=0,
            x1=1,
            y0=low,
            y1=high,
            layer="below",
            line={"width": 0},
            fillcolor=theme.translucent(theme.colour(Meaning.CHANCE), 0.15),
        )
    figure.add_shape(
        type="line",
        xref="paper",
        x0=0,
        x1=1,
        y0=reference.value,
        y1=reference.value,
        line=theme.line(Meaning.CHANCE, width=1.0),
    )
    if reference.text:
        figure.add_annotation(
            xref="paper",
            x=1 if reference.side == "right" else 0,
            xanchor=reference.side,
            y=reference.value,
            yanchor="bottom",
            text=reference.text,
            bgcolor=theme.translucent(theme.colour(Meaning.BACKGROUND), 0.5),
            borderpad=0,
            font={"size": 10, "color": theme.colour(Meaning.MUTED)},
        )


def add_corner(figure: go.Figure, text: str) -> None:
    """Name the x axis in the corner left of its tick labels, where it costs no height."""
    figure.add_annotation(
        xref="paper",
        yref="paper",
        x=0,
        xanchor="right",
        xshift=-8,
        y=0,
        yanchor="top",
        yshift=-3,
        text=text,
        font={"size": 10, "color": theme.colour(Meaning.MUTED)},
    )


def add_markers(figure: go.Figure, markers: Sequence[Marker]) -> None:
    labelled = [one for one in markers if one.kind != "checkpoint"]
    with_text = set(labelled[-_MARKER_LABELS:])
    for one in markers:
        tick = one.kind == "checkpoint"
        figure.add_shape(
            type="line",
            yref="paper",
            x0=one.x,
            x1=one.x,
            y0=0,
            y1=0.05 if tick else 1,
            line={
                "color": theme.colour(_MARKER_COLOURS[one.kind]),
                "width": 1,
                "dash": "dot" if not tick else "solid",
            },
        )
        if one in with_text:
            figure.add_annotation(
                yref="paper",
                x=one.x,
                xanchor="right",
                y=1,
                yanchor="top",
                text=one.text,
                textangle=-90,
                font={"size": 10, "color": theme.colour(_MARKER_COLOURS[one.kind])},
            )


_MARKER_COLOURS: Final[dict[MarkerKind, Meaning]] = {
    "change": Meaning.CHANGE,
    "stage": Meaning.MUTED,
    "checkpoint": Meaning.MUTED,
    "verdict": Meaning.BAD,
}


def _layout(chart: LineChart, low: float, high: float) -> dict[str, Any]:
    x_axis: dict[str, Any] = {"range": list(chart.x_range)} if chart.x_range else {}
    y_axis: dict[str, Any] = {"ticksuffix": chart.unit, "range": [low, high]}
    if chart.lower:
        x_axis["anchor"] = "y2"
        y_axis["domain"] = _UPPER
    layout: dict[str, Any] = {
        "template": theme.template(),
        "hovermode": "closest",
        "hoverdistance": -1,
        "xaxis": x_axis,
        "yaxis": y_axis,
        "margin": MARGIN,
    }
    if chart.lower:
        layout["yaxis2"] = {
            "domain": _LOWER,
            "type": "log",
            "nticks": 3,
            "title": {"text": chart.lower_title, "font": {"size": 10}},
        }
    return layout


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
