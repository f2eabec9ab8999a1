"""The best five heads with their curves, and all heads as lines through their settings."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from edgeft_core.figures.chart import LineChart, draw
from edgeft_core.figures.curves import Curve, Style
from edgeft_core.figures.sweep_measure import MEASURES, column_of
from edgeft_core.figures.sweep_parallel import Parallel, Post, draw_parallel
from edgeft_core.labs.sweep.axes import describe
from edgeft_core.labs.sweep.map import axis_values
from ui.live_chart import live_chart
from ui.sweep.choice import Choice
from ui.sweep.reading import Floats, Reading, axis_title, axis_words, head_words

_HEIGHT_PX: Final = 250
_MOST_TICKS: Final = 8


def best_panel(reading: Reading, choice: Choice, best: list[int]) -> None:
    """Curves of the best heads over the looks, in the measure that colours the map."""
    measure, column = MEASURES[choice.measure], column_of(choice.measure, choice.images)
    table = reading.table.values.get(column)
    factor = 100.0 if measure.kind == "share" else 1.0
    curves = []
    for place, head in enumerate(best):
        value_F = factor * table[head].astype(float) if table is not None else np.zeros(0)
        there = np.isfinite(value_F)
        style = Style(f"{place + 1}", measure.about, index=place, sparse=True)
        step_P, value_P = reading.table.step_F[there].astype(float), value_F[there]
        curves.append(Curve(style, step_P, value_P, value_P, value_P, len(value_P)))
    live_chart(
        draw(LineChart(tuple(curves), unit=" %" if measure.kind == "share" else "")),
        key=f"sweep.{reading.results.run.id}.best.{choice.measure}",
        height=_HEIGHT_PX,
        group=None,
        label=f"{measure.title} of the best five heads",
        empty="Waiting for the first look ...",
        clicks=False,
    )


def best_table(reading: Reading, best: list[int]) -> None:
    """The best heads as a table; their numbers are those of the curves."""
    frame = reading.frame.loc[best]
    columns: dict[str, list[str]] = {"": [str(place + 1) for place in range(len(best))]}
    for key in reading.results.keys:
        columns[axis_title(key)] = [axis_words(key, reading.heads[head][key]) for head in best]
    for name in ("top1", "top5", "max_class_share"):
        column = column_of(name, "validation" if reading.has_validation else "training")
        columns[MEASURES[name].title] = [MEASURES[name].words(float(value)) for value in frame[column]]
    st.dataframe(columns, hide_index=True)


def parallel_panel(reading: Reading, choice: Choice, best: list[int]) -> None:
    """All heads as lines; the best five stand out."""
    heads, measure = reading.heads, MEASURES[choice.measure]
    posts = [_axis_post(reading, key) for key in reading.results.keys]
    posts += [
        _measure_post(reading, name) for name in dict.fromkeys(("max_class_share", "top1", choice.measure))
    ]
    scaled = measure.scaled(reading.values(choice.measure))
    live_chart(
        draw_parallel(
            Parallel(
                posts=tuple(posts),
                shade_K=_between(
                    scaled,
                    float(np.nanmin(scaled, initial=np.inf)),
                    float(np.nanmax(scaled, initial=-np.inf)),
                ),
                about_K=[head_words(head).replace(", ", "<br>") for head in heads],
                best=best,
            )
        ),
        key=f"sweep.{reading.results.run.id}.parallel",
        height=_HEIGHT_PX + 60,
        group=None,
        label="All heads, each a line through its settings and what came of them",
        empty="Waiting for the first look ...",
        clicks=False,
    )


def _axis_post(reading: Reading, key: str) -> Post:
    values = axis_values(reading.heads, key)
    sweep = reading.results.run.config.sweep
    assert sweep is not None
    if sweep.draws and describe(key).kind == "float":
        return _number_post(key, np.array([float(head[key]) for head in reading.heads]))
    last = max(1, len(values) - 1)
    place = {value: number / last for number, value in enumerate(values)}
    every = -(-len(values) // _MOST_TICKS)
    ticks = tuple((place[value], axis_words(key, value)) for value in values[::every])
    return Post(axis_title(key), np.array([place[head[key]] for head in reading.heads]), ticks)


def _number_post(key: str, value_K: Floats) -> Post:
    scaled = np.log(value_K) if describe(key).log and (value_K > 0).all() else value_K
    low, high = float(scaled.min()), float(scaled.max())
    ends = ((0.0, axis_words(key, float(value_K.min()))), (1.0, axis_words(key, float(value_K.max()))))
    return Post(axis_title(key), _between(scaled, low, high), ends)


def _measure_post(reading: Reading, name: str) -> Post:
    """What came of the heads, on the scale of the map's colours."""
    measure = MEASURES[name]
    images = reading.images if reading.images in measure.sets else "validation"
    lowest, highest = reading.span(name)
    axis = measure.colour_axis(lowest, highest, reading.results.n_classes)
    low, high = axis["zmin"], axis["zmax"]
    values = reading.frame[column_of(name, images)].to_numpy(float)
    ticks = zip(
        axis["bar"].get("tickvals", (low, high)),
        axis["bar"].get("ticktext", (f"{low:.2g}", f"{high:.2g}")),
        strict=True,
    )
    placed = tuple(((at - low) / (high - low), words) for at, words in ticks)
    return Post(measure.title, _between(measure.scaled(values), low, high), placed)


def _between(values: Floats, low: float, high: float) -> Floats:
    """0 at ``low``, 1 at ``high``."""
    return (values - low) / (high - low) if high > low else np.full(len(values), 0.5) + 0 * values
