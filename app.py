"""EdgeFT's frame: the list of pages, and what surrounds them. Start it with ``streamlit run app.py``."""

from __future__ import annotations

import streamlit as st

from edgeft_core.jobs.giving_way import give_way
from ui import fragments, frame, messages, navigation, state, style


def first_page() -> None:
    """Where the bare address leads: to the run that is shown, or to launching the first one."""
    with messages.calmly():
        navigation.go(navigation.LIVE if state.current_run() else navigation.LAUNCH)


give_way()
st.set_page_config(page_title="EdgeFT", page_icon=style.ICON, layout="wide")
page = st.navigation(
    [
        st.Page(first_page, title="EdgeFT", default=True, visibility="hidden"),
        st.Page(navigation.LIVE, title="Live", icon=":material/monitoring:"),
        st.Page(navigation.DIAGNOSIS, title="Diagnosis", icon=":material/stethoscope:"),
        st.Page(navigation.SAMPLES, title="Samples", icon=":material/face:"),
        st.Page(navigation.WHAT_IF, title="What if", icon=":material/science:"),
        st.Page(navigation.SWEEP, title="Sweep", icon=":material/grid_on:"),
        st.Page(navigation.RUNS, title="Runs", icon=":material/list:"),
        st.Page(navigation.LAUNCH, title="Launch", icon=":material/rocket_launch:"),
    ],
    position="top",
)
fragments.shows(page)
with frame.framed(page.title):
    page.run()
