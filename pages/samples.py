"""Samples: which faces does the model get right, which wrong, and whom does it take them for?"""

from __future__ import annotations

import streamlit as st

from edgeft_core import queries
from ui import frame, messages, navigation, state
from ui.samples.choice import choose_filters, choose_set, filtered, page_of, when_samples_come
from ui.samples.gallery import gallery
from ui.samples.large import large
from ui.samples.opening import opened_pictures
from ui.samples.summary import newer_samples, summary
from ui.sweep.pointer import not_for_sweeps

record = frame.open_page("Samples")
if record is None:
    messages.empty_state(
        "No samples yet",
        "Launch a run; its faces and what it takes them for appear here.",
        icon="face",
        page=navigation.LAUNCH,
        action="Launch a run",
    )
    st.stop()
not_for_sweeps(record)
with messages.calmly():
    with st.container(key="samples_bar", horizontal=True, vertical_alignment="center", gap="medium"):
        split, set_name = choose_set()
        table = queries.samples(state.home(), record.id, split)
        which, classes = choose_filters(table)
    if table.empty:
        messages.empty_state(
            f"No samples of the {set_name} set yet", when_samples_come(split), icon="hourglass_empty"
        )
        st.stop()
    shown = filtered(table, which, classes)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        summary(table, record)
        newer_samples(record.id, split, int(table["step"].iloc[0]))
        page = page_of(shown)
    if page.empty:
        messages.empty_state(
            "None of the samples is like that", "Choose other filters.", icon="filter_alt_off"
        )
        st.stop()
    pictures = opened_pictures(record)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        picked = gallery(page, pictures.of_items(list(page["item"])) if pictures else {})
    with right:
        large(page[page["item"] == picked].iloc[0].to_dict(), pictures)
