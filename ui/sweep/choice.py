"""What the map shows: colour, images, the two axes, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from edgeft_core import queries
from edgeft_core.config_sweep import AxisValue
from edgeft_core.figures.sweep_measure import MEASURES
from edgeft_core.labs.sweep.map import axis_values
from ui.sweep.reading import axis_title, axis_words

BEST = "the best"


@dataclass(frozen=True)
class Choice:
    """What the user wants to see.

    Attributes:
        measure: key of ``MEASURES``.
        images: "validation" or "training".
        fixed: values of the axes that the map does not show; one that is missing shows its best head.
    """

    measure: str
    images: str
    x_key: str
    y_key: str
    fixed: Mapping[str, AxisValue] = field(default_factory=dict)


def choose(results: queries.SweepResults, *, has_validation: bool) -> Choice:
    """Draw the controls above the map."""
    run_id, keys = results.run.id, list(results.keys)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        measure = st.segmented_control(
            "Colour",
            list(MEASURES),
            default="max_class_share",
            required=True,
            format_func=lambda key: MEASURES[key].title,
            key=f"sweep.{run_id}.measure",
            help="  \n".join(f"**{one.title}**: {one.about}" for one in MEASURES.values()),
        )
        measure = measure or "max_class_share"
        sets = [one for one in MEASURES[measure].sets if has_validation or one != "validation"]
        images = st.segmented_control(
            "Measured on",
            sets or ["validation"],
            default=(sets or ["validation"])[0],
            required=True,
            key=f"sweep.{run_id}.images.{len(sets)}",
            help="Validation: images that were not trained on, as of this step. Training: the latest predictions "
            "on training images, margin off.",
        )
        x_key = st.selectbox("Across", keys, format_func=axis_title, key=f"sweep.{run_id}.x", width=170)
        others = [key for key in keys if key != x_key]
        y_key = st.selectbox("Up", others, format_func=axis_title, key=f"sweep.{run_id}.y", width=170)
        fixed = _others(results, [key for key in others if key != y_key])
    return Choice(measure, images or "validation", x_key, y_key, fixed)


def _others(results: queries.SweepResults, keys: list[str]) -> dict[str, AxisValue]:
    """For each axis that the map does not show: its best head, or one value. A draw shows all of them as points."""
    sweep = results.run.config.sweep
    if results.table is None or sweep is None or sweep.draws:
        return {}
    heads = [dict(head) for head in results.table.heads]
    fixed: dict[str, AxisValue] = {}
    for key in keys:
        values = {axis_words(key, value): value for value in axis_values(heads, key)}
        chosen = st.selectbox(
            axis_title(key),
            [BEST, *values],
            key=f"sweep.{results.run.id}.fixed.{key}",
            width=150,
            help="Heads of all values share a cell: the best of them stands for it, or those of one value.",
        )
        if chosen in values:
            fixed[key] = values[chosen]
    return fixed
