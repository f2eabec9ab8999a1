"""Runs: all of them, what became of them, and two of them side by side."""

from __future__ import annotations

import streamlit as st

from edgeft_core import queries
from edgeft_core.jobs.liveness import reconcile
from ui import frame, messages, navigation, state
from ui.runs.comparison import comparison
from ui.runs.table import choose_runs
from ui.runs.verbs import verbs

frame.open_page("Runs")
with messages.calmly():
    reconcile(state.home())
    table = queries.runs_table(state.catalog())
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
        st.caption("Choose a run to open, rename, resume or delete it; choose two to compare them.")
    elif len(chosen) == 1:
        verbs(chosen[0])
    elif len(chosen) == 2:
        comparison(*chosen)
    else:
        st.caption(f"{len(chosen)} runs are chosen; choose two to compare them.")
