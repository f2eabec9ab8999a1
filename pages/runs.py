"""Runs: all of them in families, what became of them, and some of them side by side."""

from __future__ import annotations

import streamlit as st

from edgeft_core.jobs.liveness import reconcile
from ui import frame, messages, navigation, state
from ui.now import at_this_moment
from ui.runs.comparison import MOST_COMPARED, comparison
from ui.runs.family import family
from ui.runs.table import choose_runs, families
from ui.runs.verbs import verbs

frame.open_page("Runs")
with messages.calmly():
    reconcile(state.home())
    table = at_this_moment(families)
    if table.empty:
        messages.empty_state(
            "No runs yet",
            "Every run that you launch is kept here with its settings and results.",
            icon="list",
            page=navigation.LAUNCH,
            action="Launch a run",
        )
        st.stop()
    chosen = choose_runs(table)
    if not chosen:
        st.caption(
            "Choose a run to open, rename, resume, replay, fork or delete it; choose several to compare them."
        )
    elif len(chosen) == 1:
        verbs(chosen[0])
        family(table, chosen[0])
    elif len(chosen) <= MOST_COMPARED:
        comparison(*chosen)
    else:
        st.caption(f"{len(chosen)} runs are chosen; choose two to {MOST_COMPARED} to compare them.")
