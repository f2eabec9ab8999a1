"""The map of a sweep's heads, and the slider through its looks."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from edgeft_core.config_sweep import AxisValue
from edgeft_core.figures import theme
from edgeft_core.figures.spec import Spec
from edgeft_core.figures.sweep_map import CellMap, MapFrame, MarkedPlace, PointMap, draw_cells, draw_points
from edgeft_core.figures.sweep_measure import MEASURES
from edgeft_core.labs.sweep.axes import describe
from edgeft_core.labs.sweep.map import HeadMap, axis_values, border_of, map_of
from edgeft_core.labs.sweep.marks import place_on, reported_marks
from ui.live_chart import live_chart
from ui.sweep.choice import Choice
from ui.sweep.reading import Floats, Reading, axis_title, axis_words, head_words

HEIGHT_PX: Final = 430


def choose_look(run_id: str, step_F: list[int]) -> int:
    """The slider through the looks so far; it follows the newest one until it is moved."""
    key, newest = f"sweep.{run_id}.look", step_F[-1]
    if len(step_F) < 2:
        st.caption(f"after step {newest}")
        return 0
    if st.session_state.get(f"{key}.follows", True) or st.session_state.get(key) not in step_F:
        st.session_state[key] = newest

    def moved() -> None:
        st.session_state[f"{key}.follows"] = st.session_state[key] == newest

    step = st.select_slider(
        "After step",
        step_F,
        key=key,
        on_change=moved,
        format_func=theme.format_count,
        help="Scrub through the training: the border of collapse moves. At the right end the map follows a sweep "
        "that still goes.",
    )
    return step_F.index(step)


def sweep_map(reading: Reading, choice: Choice, chosen: int | None) -> int | None:
    """Draw the map; answers the head that was clicked just now."""
    results = reading.results
    assert results.run.config.sweep is not None
    drawn = results.run.config.sweep.draws > 0
    cells = None if drawn else _cells(reading, choice)
    spec = (
        _points_spec(reading, choice, chosen)
        if cells is None
        else _cells_spec(reading, choice, cells, chosen)
    )
    state = live_chart(
        spec,
        key=f"sweep.{results.run.id}.map.{choice.x_key}.{choice.y_key}",
        height=HEIGHT_PX,
        group=None,
        label=f"{MEASURES[choice.measure].title} of every head after step {reading.step}",
        empty="Nothing is measured here: training images are first looked at in step 1."
        if choice.images == "training"
        else "Waiting for the first look ...",
    )
    if state.clicked is None:
        return None
    if cells is not None:
        head = int(cells.head_YX[int(state.clicked.y), int(state.clicked.x)])
        return head if head >= 0 else None
    measured = np.flatnonzero(np.isfinite(reading.values(choice.measure)))
    return int(measured[int(state.clicked.point_index)])  # type: ignore[arg-type]


def _cells(reading: Reading, choice: Choice) -> HeadMap:
    return map_of(
        reading.heads,
        reading.values(choice.measure),
        choice.x_key,
        choice.y_key,
        fixed=choice.fixed,
        lower_is_better=MEASURES[choice.measure].lower_is_better,
    )


def _cells_spec(reading: Reading, choice: Choice, cells: HeadMap, chosen: int | None) -> Spec:
    known_YX = np.isfinite(cells.value_YX)
    bad_YX = reading.collapsed()[cells.head_YX] & known_YX
    places = np.argwhere(cells.head_YX == (-2 if chosen is None else chosen)).tolist()
    return draw_cells(
        CellMap(
            frame=_frame(reading, choice, cells.x_X, cells.y_Y),
            x_names=tuple(axis_words(cells.x_key, value) for value in cells.x_X),
            y_names=tuple(axis_words(cells.y_key, value) for value in cells.y_Y),
            value_YX=cells.value_YX,
            about_YX=[
                [
                    _about(reading, choice, head, int(behind))
                    for head, behind in zip(row, behinds, strict=True)
                ]
                for row, behinds in zip(cells.head_YX.tolist(), cells.behind_YX.tolist(), strict=True)
            ],
            border=border_of(bad_YX, known_YX),
            chosen=(int(places[0][1]), int(places[0][0])) if len(places) else None,
        )
    )


def _points_spec(reading: Reading, choice: Choice, chosen: int | None) -> Spec:
    heads = reading.heads
    x_X, y_Y = axis_values(heads, choice.x_key), axis_values(heads, choice.y_key)
    return draw_points(
        PointMap(
            frame=_frame(reading, choice, x_X, y_Y, points=True),
            x_K=_positions(choice.x_key, x_X, [head[choice.x_key] for head in heads]),
            y_K=_positions(choice.y_key, y_Y, [head[choice.y_key] for head in heads]),
            value_K=reading.values(choice.measure),
            about_K=[_about(reading, choice, head, 1) for head in range(len(heads))],
            collapsed_K=reading.collapsed(),
            log_x=describe(choice.x_key).log,
            log_y=describe(choice.y_key).log,
            x_names=_names(choice.x_key, x_X),
            y_names=_names(choice.y_key, y_Y),
            chosen=chosen,
        )
    )


def _frame(
    reading: Reading,
    choice: Choice,
    x_X: tuple[AxisValue, ...],
    y_Y: tuple[AxisValue, ...],
    *,
    points: bool = False,
) -> MapFrame:
    lowest, highest = reading.span(choice.measure)
    marks = []
    for mark in reported_marks():
        x_value, y_value = mark.settings[choice.x_key], mark.settings[choice.y_key]
        x, y = place_on(choice.x_key, x_X, x_value), place_on(choice.y_key, y_Y, y_value)
        if x.at is None or y.at is None:
            continue
        at = _on_points(choice, (x_value, y_value), (x_X, y_Y)) if points else (x.at, y.at)
        marks.append(MarkedPlace(mark.name, *at, (x.beyond, y.beyond)))
    return MapFrame(
        axis_title(choice.x_key),
        axis_title(choice.y_key),
        MEASURES[choice.measure],
        reading.results.n_classes,
        lowest,
        highest,
        tuple(marks),
    )


def _on_points(
    choice: Choice, values: tuple[AxisValue, AxisValue], axes: tuple[tuple[AxisValue, ...], ...]
) -> tuple[float, float]:
    """A mark's place among points; one beyond them is put on the nearest edge."""
    places = []
    for key, value, axis in zip((choice.x_key, choice.y_key), values, axes, strict=True):
        if _names(key, axis):
            places.append(float(axis.index(value)))
            continue
        places.append(min(max(float(value), float(axis[0])), float(axis[-1])))
    return places[0], places[1]


def _names(key: str, values: tuple[AxisValue, ...]) -> tuple[str, ...]:
    """Words along an axis that has no numbers."""
    return tuple(axis_words(key, value) for value in values) if describe(key).kind != "float" else ()


def _positions(key: str, axis: tuple[AxisValue, ...], values: list[AxisValue]) -> Floats:
    if describe(key).kind == "float":
        return np.array([float(value) for value in values])
    return np.array([float(axis.index(value)) for value in values])


def _about(reading: Reading, choice: Choice, head: int, behind: int) -> str:
    """What the hover says of a head."""
    if head < 0:
        return ""
    measure = MEASURES[choice.measure]
    value = reading.values(choice.measure)[head]
    lines = [
        f"<b>{measure.title} {measure.words(value)}</b>",
        head_words(reading.heads[head]).replace(", ", "<br>"),
    ]
    if behind > 1:
        lines.append(f"<i>the best of {behind} heads</i>")
    return "<br>".join(lines)
