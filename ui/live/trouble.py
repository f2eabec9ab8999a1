"""A run that failed, was lost, or still waits: what happened, the last lines of its log, what to do."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.figures import theme
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.launch.form import start_from
from ui.messages import calmly, empty_state, escape
from ui.navigation import LAUNCH, go

_MOST_NAMED: Final = 5
_WAITS: Final = "This run waits until its device is free; it starts by itself."


def trouble(record: RunRecord) -> None:
    """Nothing for a run that is well."""
    status = queries.run_status(state.home(), record.id)
    for warning in status.warnings:
        st.warning(escape(warning), icon=":material/warning:")
    if record.state is RunState.QUEUED and not waits(record):
        st.info(_WAITS, icon=":material/schedule:")
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


def waits(record: RunRecord) -> bool:
    """Whether a run has not begun: a queued one that goes on has charts to show."""
    return record.state is RunState.QUEUED and not record.summary.get("step")


def the_queue(record: RunRecord) -> None:
    """What a run waits for, in place of charts that would all be empty."""
    before = [
        f"{escape(one.name)} :gray[({one.state.value})]"
        for one in reversed(state.catalog().runs(limit=200))
        if one.state in ACTIVE or (one.state is RunState.QUEUED and one.created_at < record.created_at)
    ]
    named = ", ".join(before[:_MOST_NAMED])
    more = f" and {theme.format_count(len(before) - _MOST_NAMED)} more" if len(before) > _MOST_NAMED else ""
    text = f"{_WAITS} Charts appear with its first step; the sliders beside can be set already."
    if named:
        text += f"\n\nLaunched earlier: {named}{more}"
    empty_state("Waits for its turn", text, icon="schedule")
