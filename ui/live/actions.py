"""Pause, resume, stop, rewind, restart, replay, fork, save: one click each; what costs work asks first."""

from __future__ import annotations

import streamlit as st

from edgeft_core.jobs import control
from edgeft_core.jobs.states import ACTIVE, TRANSITIONS, RunState
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.fork import fork_popover
from ui.live.control_panel import asked_values
from ui.live.rewind import rewind_popover
from ui.messages import calmly
from ui.navigation import LIVE, go
from ui.question import answered, question
from ui.replay import replay_button

# How long a click waits for the worker's answer before the page goes on; it answers between two steps.
_PATIENCE_S = 0.5


def actions(record: RunRecord) -> None:
    """The buttons that make sense in the run's state."""
    with st.container(key="actions", horizontal=True, gap="small", width="content"), calmly():
        if record.state is RunState.RUNNING and _button("Pause", "pause", record):
            control.pause(state.home(), record.id, wait_s=_PATIENCE_S)
            st.rerun()
        if record.state is RunState.PAUSED and _button("Go on", "play_arrow", record):
            control.resume(state.home(), record.id, wait_s=_PATIENCE_S)
            st.rerun()
        if RunState.QUEUED in TRANSITIONS[record.state] and _button("Resume", "resume", record):
            control.requeue(state.home(), record.id)
            st.rerun()
        if record.state in ACTIVE | {RunState.QUEUED}:
            question(_stop, record.id, key=f"action.stop.{record.id}", icon=":material/stop:", help="Stop")
        if record.state in {RunState.RUNNING, RunState.PAUSED} and _button(
            "Save a checkpoint", "save", record
        ):
            control.checkpoint(state.home(), record.id)
        rewind_popover(record)
        question(
            _restart,
            record.id,
            key=f"action.restart.{record.id}",
            icon=":material/restart_alt:",
            help="Restart with these values, or replay",
        )
        fork_popover(record, asked_values)


def _button(words: str, icon: str, record: RunRecord) -> bool:
    return st.button(
        "", icon=f":material/{icon}:", help=words, key=f"action.{icon}.{record.id}", type="tertiary"
    )


def _stop(record: RunRecord) -> None:
    if record.state is RunState.QUEUED:
        st.markdown("Take this run out of the queue? Nothing has been computed yet.")
    else:
        st.markdown("Stop this run? It saves a checkpoint first and can be resumed from there.")
    if st.button("Stop the run", type="primary", key=f"action.stop_now.{record.id}"):
        control.stop(state.home(), record.id, wait_s=_PATIENCE_S)
        answered(f"action.stop.{record.id}")
        st.rerun()


def _restart(record: RunRecord) -> None:
    st.markdown(
        "Start a new run from the first step, with this run's settings and the values of the sliders."
    )
    also_stop = record.state in ACTIVE and st.checkbox(
        "Stop this run first",
        value=True,
        help="Otherwise the new run waits until the device is free.",
        key=f"action.restart_stop.{record.id}",
    )
    if st.button("Restart with these values", type="primary", key=f"action.restart_now.{record.id}"):
        changes = asked_values(record)
        if also_stop:
            control.stop(state.home(), record.id, wait_s=_PATIENCE_S)
        answered(f"action.restart.{record.id}")
        go(LIVE, control.restart(state.home(), record.id, changes).id)
    st.markdown("Or the same run again, live changes and all:")
    replay_button(record)
