"""A run that failed, was lost, or still waits: what happened, the last lines of its log, what to do."""

from __future__ import annotations

import streamlit as st

from edgeft_core.jobs import control
from edgeft_core.jobs.liveness import last_lines
from edgeft_core.jobs.states import RunState
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.messages import calmly, escape
from ui.navigation import LAUNCH, go


def trouble(record: RunRecord) -> None:
    """Nothing for a run that is well."""
    if record.state is RunState.QUEUED:
        st.info("This run waits until its device is free; it starts by itself.", icon=":material/schedule:")
    if record.state not in {RunState.FAILED, RunState.LOST}:
        for warning in record.summary.get("warnings") or ():
            st.warning(escape(str(warning)), icon=":material/warning:")
        return
    what = "failed" if record.state is RunState.FAILED else "was lost"
    st.error(f"This run {what}. {escape(record.error or 'It left no message.')}", icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Resume from the last checkpoint", icon=":material/resume:", key="trouble.resume"):
            with calmly():
                control.requeue(state.home(), record.id)
                st.rerun()
        if st.button(
            "Change settings and launch again", icon=":material/rocket_launch:", key="trouble.launch"
        ):
            go(LAUNCH, record.id)
    lines = last_lines(state.home(), record.id)
    if lines:
        with st.expander("Last lines of its log", expanded=record.state is RunState.LOST):
            st.code("\n".join(lines), language=None)
            st.caption(f"All of it: {escape(str(state.home().log_file(record.id)))}")
