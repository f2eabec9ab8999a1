"""The map of a sweep: two axes, a colour, the border of collapse, and where reported settings lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgeft_core.figures import theme
from edgeft_core.figures.spec import Annotation, Shape, Spec, plain_template
from edgeft_core.figures.sweep_measure import Measure
from edgeft_core.figures.text import plain_text
from edgeft_core.figures.theme import Meaning

Floats = npt.NDArray[np.float64]

# More cells than these have no room for a number.
_MOST_NUMBERS: Final = (14, 12)
_LOG_TICKS: Final = (1, 2, 5)
_ARROWS: Final = {(-1, 0): "\u2190", (1, 0): "\u2192", (0, 1): "\u2191", (0, -1): "\u2193"}
_CORNERS: Final = {(-1, 1): "\u2196", (1, 1): "\u2197", (-1, -1): "\u2199", (1, -1): "\u2198"}


@dataclass(frozen=True)
class MarkedPlace:
    """A named place on the map, in cells (or in the axis' own numbers where heads are points).

    Attributes:
        beyond: on which side of the map it would be, (0, 0) if it is on it.
    """

    name: str
    x: float
    y: float
    beyond: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class MapFrame:
    """What all pictures of one map share.

    Attributes:
        x_title, y_title: names of the axes.
        lowest, highest: of the measure over all looks.
    """

    x_title: str
    y_title: str
    measure: Measure
    n_classes: int
    lowest: float
    highest: float
    marks: tuple[MarkedPlace, ...] = ()


@dataclass(frozen=True)
class CellMap:
    """A grid's heads as cells.

    Attributes:
        x_names, y_names: the axes' values in words.
        value_YX: the measure, NaN where there is none.
        about_YX: what the hover says of each cell.
        border: edges between collapsed heads and others, ``(x0, y0, x1, y1)`` in cells.
        chosen: the cell that was clicked, ``(x, y)``.
    """

    frame: MapFrame
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    value_YX: Floats
    about_YX: Sequence[Sequence[str]]
    border: Sequence[tuple[float, ...]] = ()
    chosen: tuple[int, int] | None = None


@dataclass(frozen=True)
class PointMap:
    """Randomly drawn heads as points.

    Attributes:
        x_K, y_K: the settings; log_x, log_y: whether an axis goes by factors.
        collapsed_K: drawn as crosses.
        chosen: the head that was clicked.
    """

    frame: MapFrame
    x_K: Floats
    y_K: Floats
    value_K: Floats
    about_K: Sequence[str]
    collapsed_K: npt.NDArray[np.bool_]
    log_x: bool = False
    log_y: bool = False
    x_names: tuple[str, ...] = ()
    y_names: tuple[str, ...] = ()
    chosen: int | None = None


def draw_cells(data: CellMap) -> Spec:
    """The heat map; the border of collapse is a line, so that it is seen without colour."""
    columns, rows = len(data.x_names), len(data.y_names)
    numbers = columns <= _MOST_NUMBERS[0] and rows <= _MOST_NUMBERS[1]
    axis = data.frame.measure.colour_axis(data.frame.lowest, data.frame.highest, data.frame.n_classes)
    cells = {
        "type": "heatmap",
        "x": list(range(columns)),
        "y": list(range(rows)),
        "z": data.frame.measure.scaled(data.value_YX).astype(np.float32),
        "zmin": axis["zmin"],
        "zmax": axis["zmax"],
        "xgap": 1,
        "ygap": 1,
        "colorscale": theme.sequential(),
        "text": [
            [data.frame.measure.words(value) if np.isfinite(value) else "" for value in row]
            for row in data.value_YX.tolist()
        ],
        "customdata": [list(row) for row in data.about_YX],
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "colorbar": _colour_bar(axis["bar"]),
    }
    if numbers:
        cells |= {"texttemplate": "%{text}", "textfont": {"size": 11}}
    return {
        "data": [cells, *_rings(data.frame.marks)] if np.isfinite(data.value_YX).any() else [],
        "layout": {
            **_layout(data.frame),
            "xaxis": _cell_axis(data.frame.x_title, data.x_names),
            "yaxis": _cell_axis(data.frame.y_title, data.y_names),
            "shapes": [*map(_border_line, data.border), *_chosen_cell(data.chosen)],
            "annotations": _mark_labels(data.frame.marks, (columns, rows)),
        },
    }


def draw_points(data: PointMap) -> Spec:
    """The drawn heads; collapsed ones are crosses, so that they are seen without colour."""
    axis = data.frame.measure.colour_axis(data.frame.lowest, data.frame.highest, data.frame.n_classes)
    there_K = np.isfinite(data.value_K)
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": data.x_K[there_K],
        "y": data.y_K[there_K],
        "marker": {
            "size": [15 if head == data.chosen else 11 for head in np.flatnonzero(there_K).tolist()],
            "symbol": ["x" if one else "circle" for one in data.collapsed_K[there_K].tolist()],
            "color": data.frame.measure.scaled(data.value_K[there_K]).tolist(),
            "cmin": axis["zmin"],
            "cmax": axis["zmax"],
            "colorscale": theme.sequential(),
            "colorbar": _colour_bar(axis["bar"]),
            "line": {"width": 1, "color": theme.colour(Meaning.MUTED)},
        },
        "customdata": [about for about, there in zip(data.about_K, there_K.tolist(), strict=True) if there],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    return {
        "data": [points, *_rings(data.frame.marks)] if there_K.any() else [],
        "layout": {
            **_layout(data.frame),
            "xaxis": _point_axis(data.frame.x_title, data.x_K, data.log_x, data.x_names),
            "yaxis": _point_axis(data.frame.y_title, data.y_K, data.log_y, data.y_names),
            "annotations": _mark_labels(data.frame.marks, None, (data.log_x, data.log_y)),
        },
    }


def _layout(frame: MapFrame) -> dict[str, Any]:
    return {
        "template": plain_template(),
        "hovermode": "closest",
        "margin": {"t": 14, "r": 64, "b": 46, "l": 74},
        "showlegend": False,
        "title": {"text": ""},
        "meta": frame.measure.title,
    }


def _cell_axis(title: str, names: Sequence[str]) -> dict[str, Any]:
    """Cells stand still: an axis that could be dragged would leave its cells."""
    return {
        "title": {"text": title},
        "tickvals": list(range(len(names))),
        "ticktext": [plain_text(name) for name in names],
        "range": [-0.5, len(names) - 0.5],
        "showgrid": False,
        "fixedrange": True,
    }


def _point_axis(title: str, values: Floats, log: bool, names: Sequence[str]) -> dict[str, Any]:
    if names:
        return {**_cell_axis(title, names), "showgrid": True}
    if not log:
        return {"title": {"text": title}, "nticks": 8}
    low, high = (math.floor(math.log10(float(edge(values)))) for edge in (np.min, np.max))
    ticks = [mantissa * 10.0**power for power in range(low, high + 1) for mantissa in _LOG_TICKS]
    return {
        "title": {"text": title},
        "type": "log",
        "tickvals": ticks,
        "ticktext": [theme.format_number(tick) for tick in ticks],
    }


def _colour_bar(ticks: dict[str, Any]) -> dict[str, Any]:
    return {"thickness": 10, "len": 1, "x": 1.01, "outlinewidth": 0, "tickfont": {"size": 10}, **ticks}


def _border_line(edge: tuple[float, ...]) -> Shape:
    x0, y0, x1, y1 = edge
    line = {"color": theme.colour(Meaning.BAD), "width": 3}
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": line}


def _chosen_cell(chosen: tuple[int, int] | None) -> list[Shape]:
    if chosen is None:
        return []
    x, y = chosen
    line = {"color": theme.colour(Meaning.CHANGE), "width": 3}
    return [{"type": "rect", "x0": x - 0.46, "x1": x + 0.46, "y0": y - 0.46, "y1": y + 0.46, "line": line}]


def _rings(marks: Sequence[MarkedPlace]) -> list[dict[str, Any]]:
    """A ring around each mark on the map, dark in light, so that it is seen on every colour; clicks go through it."""
    on_map = [mark for mark in marks if mark.beyond == (0, 0)]
    looks = ((5, Meaning.BACKGROUND), (2, Meaning.TEXT))
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [mark.x for mark in on_map],
            "y": [mark.y for mark in on_map],
            "hoverinfo": "skip",
            "marker": {
                "symbol": "circle-open",
                "size": 44,
                "color": theme.colour(meaning),
                "line": {"width": width},
            },
        }
        for width, meaning in looks
        if on_map
    ]


def _mark_labels(
    marks: Sequence[MarkedPlace], size: tuple[int, int] | None, log: tuple[bool, bool] = (False, False)
) -> list[Annotation]:
    """A label beside each mark; one beyond the map has an arrow that leaves it.

    Args:
        size: cells across and up, where there are cells.
        log: which axes go by factors: plotly wants the logarithm of places there.
    """
    labels = []
    for number, mark in enumerate(marks):
        left = size is not None and mark.x > size[0] / 2
        low = size is not None and mark.y > size[1] / 2
        leaves = {**_ARROWS, **_CORNERS}.get(mark.beyond, "")
        labels.append(
            {
                "x": math.log10(mark.x) if log[0] else mark.x,
                "y": math.log10(mark.y) if log[1] else mark.y,
                "text": f"{leaves} {plain_text(mark.name)}".strip(),
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 1.5,
                "arrowcolor": theme.colour(Meaning.CHANCE),
                "standoff": 22,
                "ax": -64 if left else 64,
                "ay": (34 if low else -34) * (1 if number % 2 == 0 else -1),
                "bgcolor": theme.colour(Meaning.SURFACE),
                "bordercolor": theme.colour(Meaning.CHANCE),
                "borderpad": 2,
                "font": {"size": 11, "color": theme.colour(Meaning.TEXT)},
            }
        )
    return labels
