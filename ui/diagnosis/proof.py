"""Try this fix: two short twins of the run side by side, what came of it, and a button that applies it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.diagnostics.causes import Cause
from edgeft_core.figures import theme
from edgeft_core.jobs.applying import Application, application, apply_remedy
from edgeft_core.jobs.proving import Proving, proof_of, proving, start_proof
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.proof.record import Outcome, Proof, Remedy
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.diagnosis.twins import twin_charts
from ui.fragments import fragment
from ui.messages import calmly, escape
from ui.navigation import LIVE, go

_POLL_S: Final = 0.7
_PATIENCE_S: Final = 1.0
_SIGNS: Final[dict[Outcome, str]] = {
    "verified": ":green[\u2713]",
    "no_effect": ":gray[\u25cb]",
    "worse": ":red[\u2715]",
    "could_not_run": ":orange[\u25b2]",
}
_ABOUT: Final = (
    "Two short twins of this run train beside it, one with the fix and one without, from the same start and on the "
    "same images in the same order. The run itself is not changed."
)


def proof_panel(record: RunRecord, cause: Cause) -> None:
    """Button, progress, then both twins and what they show; nothing where the fix is no setting.

    It polls by itself while a trial goes on, also inside a fragment that does not.
    """
    if not queries.can_be_tried(cause):
        return
    remedy = queries.remedy_of_cause(cause)
    running = proving(state.home(), record.id).running
    fragment(_draw, every_s=_POLL_S if running else None)(record.id, remedy, running)


def _draw(run_id: str, remedy: Remedy, drawn_running: bool) -> None:
    with calmly():
        told = proving(state.home(), run_id)
        if told.running is not drawn_running:
            st.rerun()
        with st.container(key=f"proof_{remedy.cause}", gap="small"):
            proof = proof_of(state.home(), run_id, remedy.cause)
            if told.running and told.cause == remedy.cause:
                _progress(told)
            else:
                if proof is not None:
                    _result(run_id, proof)
                _offer(run_id, remedy, told, again=proof is not None)


def _progress(told: Proving) -> None:
    count = f" {theme.format_count(told.done)} of {theme.format_count(told.total)}" if told.total > 1 else ""
    left = theme.format_duration(told.left_s)
    st.progress(told.share, text=f"{escape(told.what or 'Starting')}{count} \u00b7 about {left} left")
    st.caption("Both twins train beside the run, at low priority.")


def _offer(run_id: str, remedy: Remedy, told: Proving, *, again: bool) -> None:
    if told.error and told.cause == remedy.cause:
        st.error(escape(told.error), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        pressed = st.button(
            "Try this fix again" if again else "Try this fix",
            icon=":material/compare:",
            type="tertiary" if again else "primary",
            key=f"proof.try.{run_id}.{remedy.cause}",
            disabled=told.running,
            help=_ABOUT,
        )
        if told.running:
            st.caption(f"The fix of {escape(told.cause)} is being tried just now.")
        elif not again:
            st.caption("About a minute; the run is not changed.")
    if pressed:
        start_proof(state.home(), run_id, remedy)
        st.rerun()


def _result(run_id: str, proof: Proof) -> None:
    st.markdown(f"{_SIGNS[proof.outcome]} **{escape(proof.sentence)}**")
    if proof.outcome == "could_not_run":
        return
    twin_charts(run_id, proof)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("What decided", type="tertiary", key=f"proof.why.{run_id}.{proof.cause}"):
            st.markdown("\n".join(f"- {escape(reason)}" for reason in (*proof.reasons, *proof.notes)))
            st.caption(f"Tried {escape(proof.start_text)}; took {theme.format_duration(proof.took_s)}.")
        st.caption(f"Tried at step {theme.format_count(proof.run_step)}, {escape(proof.start_text)}.")
    if proof.outcome == "verified":
        _apply(run_id, proof)


def _apply(run_id: str, proof: Proof) -> None:
    record = state.catalog().run(run_id)
    how = application(state.catalog(), record, proof.remedy)
    if how.way == "set":
        if st.button(
            "Apply to the running job",
            icon=":material/check:",
            type="primary",
            key=f"proof.apply.{run_id}.{proof.cause}",
        ):
            done = apply_remedy(state.home(), run_id, proof.remedy, proof=proof, wait_s=_PATIENCE_S)
            st.toast(escape(done.text), icon=":material/check:")
        return
    _new_run(record, proof, how)


def _new_run(record: RunRecord, proof: Proof, how: Application) -> None:
    going = record.state in ACTIVE | {RunState.QUEUED}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        pressed = st.button(
            "Start a run with this fix",
            icon=":material/rocket_launch:",
            type="primary",
            key=f"proof.start.{record.id}.{proof.cause}",
            help=f"It starts {how.point.text}.",
        )
        also_stop = going and st.checkbox(
            "and stop this one",
            value=True,
            key=f"proof.stop.{record.id}.{proof.cause}",
            help="Otherwise the new run waits until the device is free.",
        )
    if pressed:
        done = apply_remedy(
            state.home(), record.id, proof.remedy, proof=proof, stop_first=bool(also_stop), wait_s=_PATIENCE_S
        )
        go(LIVE, done.run.id)
