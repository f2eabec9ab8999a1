"""One head: its settings, how it did, and a run that begins with them."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.figures.sweep_measure import MEASURES, column_of
from ui.launch.form import start_with
from ui.messages import escape
from ui.navigation import LAUNCH, go
from ui.sweep.reading import Reading, axis_title, axis_words

_SHOWN: Final = ("max_class_share", "effective_classes", "top1", "top5")


def head_panel(reading: Reading, head: int | None) -> None:
    """The clicked head, or an invitation to click one."""
    if head is None:
        st.markdown("**A head**")
        st.caption("Click a cell: its settings and numbers appear here, and a run can begin with them.")
        return
    st.markdown(f"**Head {head + 1} of {len(reading.heads)}** :gray[after step {reading.step}]")
    settings = reading.heads[head]
    lines = [
        f"{escape(axis_title(key))} **{escape(axis_words(key, value))}**" for key, value in settings.items()
    ]
    if {"head.scale", "head.temperature"} <= set(settings):
        s_eff = float(settings["head.scale"]) / float(settings["head.temperature"])
        lines.append(f"s / T **{s_eff:.3g}** :gray[all that matters of the two]")
    st.markdown("  \n".join(lines))
    if reading.collapsed()[head]:
        st.markdown(":red[\u2715 collapsed]")
    _numbers(reading, head)
    if st.button(
        "Start a run with these", type="primary", icon=":material/rocket_launch:", key="sweep.start_with"
    ):
        name = reading.results.run.name
        words = f"The settings of head {head + 1} of the sweep {name}, to be changed."
        start_with(f"{name}, head {head + 1}", words, queries.head_config(reading.results, head))
        go(LAUNCH, reading.results.run.id)


def _numbers(reading: Reading, head: int) -> None:
    row = reading.frame.iloc[head].to_dict()
    n_classes = max(1, reading.results.n_classes)
    chance = {"top1": f"guessing {1 / n_classes:.2%}", "top5": f"guessing {min(1.0, 5 / n_classes):.2%}"}
    chance["effective_classes"] = f"of {n_classes}"
    sets = ["validation", "training"] if reading.has_validation else ["training"]
    head_line = "| | " + " | ".join(sets) + " | |\n|---|" + "---:|" * len(sets) + "---|\n"
    rows = [
        f"| {MEASURES[name].title} | "
        + " | ".join(MEASURES[name].words(float(row[column_of(name, images)])) for images in sets)
        + f" | :gray[{chance.get(name, '')}] |"
        for name in _SHOWN
    ]
    if reading.has_validation:
        rows.append(f"| {MEASURES['loss'].title} | {MEASURES['loss'].words(float(row['val_loss']))} | | |")
    st.markdown(head_line + "\n".join(rows))
