"""What can be done with one run: open, rename, resume, replay, fork, delete."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.figures import theme
from edgeft_core.jobs import control, removal
from edgeft_core.jobs.states import ACTIVE, TRANSITIONS, RunState
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.fork import fork_popover
from ui.launch.cost import format_bytes
from ui.launch.form import start_from
from ui.messages import calmly, escape
from ui.navigation import LAUNCH, LIVE, SWEEP, go
from ui.question import answered, question
from ui.replay import replay_button

_KEPT: Final = ACTIVE | {RunState.QUEUED}


def verbs(run_id: str) -> None:
    """The buttons for the chosen run."""
    record = state.catalog().run(run_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"), calmly():
        st.markdown(f"**{escape(record.name)}**", width="content")
        if st.button("Open", icon=":material/monitoring:", type="primary", key="runs.open"):
            go(LIVE if record.config.sweep is None else SWEEP, record.id)
        _rename(record)
        if RunState.QUEUED in TRANSITIONS[record.state] and st.button(
            "Resume", icon=":material/resume:", key="runs.resume", help="Goes on from its last checkpoint."
        ):
            control.requeue(state.home(), record.id)
            st.rerun()
        if st.button("Launch one like it", icon=":material/rocket_launch:", key="runs.like"):
            start_from(record)
            go(LAUNCH, record.id)
        replay_button(record)
        fork_popover(record, lambda _: {}, label="Fork")
        question(
            _delete,
            record.id,
            key=f"runs.delete.{record.id}",
            label="Delete",
            icon=":material/delete:",
            type="secondary",
        )
    if record.error:
        st.caption(f":red[\u2715] {escape(record.error)}")


def _rename(record: RunRecord) -> None:
    with st.popover("Rename", icon=":material/edit:", key=f"runs.rename.{record.id}"):
        name = st.text_input(
            "New name", value=record.name, max_chars=80, key=f"runs.name.{record.id}"
        ).strip()
        if st.button(
            "Rename", type="primary", disabled=not name or name == record.name, key="runs.rename_now"
        ):
            with calmly():
                control.rename(state.home(), record.id, name)
                st.rerun()


def _delete(record: RunRecord) -> None:
    if record.state in _KEPT:
        st.markdown("This run still goes. Stop it first; then it can be deleted.")
        return
    st.markdown(f"Delete **{escape(record.name)}** for good? What will be lost: {lost_with(record)}.")
    if st.button("Delete for good", type="primary", key="runs.delete_now"):
        removal.delete(state.home(), record.id)
        answered(f"runs.delete.{record.id}")
        state.forget_run()
        st.rerun()


def lost_with(record: RunRecord) -> str:
    """``"330 recorded steps, 2 checkpoints (30 MB) and the log"``."""
    checkpoints = queries.catalog_of(state.home()).checkpoints(record.id)
    size = format_bytes(sum(one.size_bytes for one in checkpoints))
    steps = theme.format_count(int(record.summary.get("step") or 0))
    saved = f"{len(checkpoints)} checkpoints ({size})" if checkpoints else "no checkpoint"
    return f"{steps} recorded steps, {saved} and the log"
