"""What the run will cost, what its head can reach, and the button that starts it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.data import FaceDataset
from edgeft_core.figures import theme
from edgeft_core.jobs.states import ACTIVE, RunState
from ui import state
from ui.launch.check import Check
from ui.launch.cost import estimate, format_bytes, free_bytes
from ui.launch.reach import reach
from ui.messages import calmly, escape
from ui.navigation import LIVE, go

_WAITING: Final = "launch.waiting"  # the config whose start waits for its check


def start(config: RunConfig, check: Check) -> None:
    """Name and Start button; a queue that is busy says so beforehand, and a check that blocks asks first."""
    waits = st.session_state.get(_WAITING) == config
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the run", placeholder=config.preset, key="launch.name", max_chars=80)
        now = waits and check.told.running
        pressed = st.button(
            "Start now" if now else "Start",
            type="primary",
            icon=":material/play_arrow:",
            key="launch.start",
            help="Without waiting for the check." if now else None,
        )
    _busy_line()
    if pressed and check.told.running and not waits and not check.blocks:
        st.session_state[_WAITING] = config
        st.rerun()
    if now and not pressed and not check.blocks:
        st.caption("It starts by itself when the check has found nothing that blocks.")
    elif pressed or waits:
        st.session_state.pop(_WAITING, None)
        if check.blocks:
            _ask(config, name, check)
        else:
            _launch(config, name)


def _busy_line() -> None:
    busy = state.catalog().runs(states=(*ACTIVE, RunState.QUEUED), limit=10)
    if busy:
        st.caption(
            f"{escape(busy[0].name)} is {busy[0].state.value}; this run waits until its device is free."
        )


@st.dialog("Start in spite of this?", icon=":material/block:")
def _ask(config: RunConfig, name: str, check: Check) -> None:
    for one in check.told.report.blocking if check.told.report else ():
        cause = f"`{one.cause}` " if one.cause else ""
        st.markdown(f":red[**\u2715**] {cause}{escape(one.text)}")
    with st.container(horizontal=True):
        if st.button("Start anyway", type="primary", key="launch.anyway"):
            _launch(config, name)
        if st.button("Back to the form", key="launch.back"):
            st.rerun()


def _launch(config: RunConfig, name: str) -> None:
    with calmly():
        record = jobs.launch(state.home(), config, name=name)
        st.session_state.pop("launch.name", None)
        go(LIVE, record.id)


def costs(config: RunConfig, data: FaceDataset) -> None:
    """Steps, minutes, disk; and what s / T can reach."""
    cost = estimate(config, len(data.splits["train"]), data.n_classes, state.catalog().runs(limit=50))
    free = free_bytes(state.home().root)
    st.markdown(
        f"**{theme.format_count(cost.steps)} steps**, about **{theme.format_duration(cost.seconds)}** "
        f":gray[({escape(cost.basis)})], {format_bytes(cost.disk_bytes)} of disk "
        f":gray[({format_bytes(free)} free)]"
    )
    if cost.disk_bytes > free:
        st.warning(
            "That is more than this disk has left. Free some space, or choose another home (EDGEFT_HOME)."
        )
    st.markdown(reach(config.head.scale, config.head.temperature, data.n_classes).sentence())
