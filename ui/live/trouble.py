"""A run that failed, was lost, or still waits: what happened, the last lines of its log, what to do."""

from __future__ import annotations

import streamlit as st

from edgeft_core import queries
from edgeft_core.jobs import control
from edgeft_core.jobs.states import RunState
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.launch.form import start_from
from ui.messages import calmly, escape
from ui.navigation import LAUNCH, go


def trouble(record: RunRecord) -> None:
    """Nothing for a run that is well."""
    status = queries.run_status(state.home(), record.id)
    for warning in status.warnings:
        st.warning(escape(warning), icon=":material/warning:")
    if record.state is RunState.QUEUED:
        st.info("This run waits until its device is free; it starts by itself.", icon=":material/schedule:")
    if record.state not in {RunState.FAILED, RunState.LOST}:
        return
    what = "failed" if record.state is RunState.FAILED else "was lost"
    st.error(f"This run {what}. {escape(status.error or 'It left no message.')}", icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Resume from the last checkpoint", icon=":material/resume:", key="trouble.resume"):
            with calmly():
                control.requeue(state.home(), record.id)
                st.rerun()
        if st.button(
            "Change settings and launch again", icon=":material/rocket_launch:", key="trouble.launch"
        ):
            start_from(record)
            go(LAUNCH, record.id)
    if status.log_lines:
        with st.expander("Last lines of its log", expanded=record.state is RunState.LOST):
            st.code("\n".join(status.log_lines), language=None)
            st.caption(f"All of it: {escape(str(state.home().log_file(record.id)))}")
