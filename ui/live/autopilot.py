"""The autopilot of the run that is watched: its switch, what it is doing and why, and a button that stops it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import streamlit as st

from edgeft_core.autopilot.record import AT_WORK, Autopilot, Phase
from edgeft_core.autopilot.switch import switch_off, switch_on
from edgeft_core.errors import EdgeFTError, UnknownRunError
from edgeft_core.figures import theme
from edgeft_core.jobs.states import ENDED
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.messages import calmly, escape, prose
from ui.navigation import LIVE, go

_MOST: Final = 20
_PROBLEM: Final = "autopilot.problem"
_REFUSALS: Final = "autopilot.refusals"  # a switch that was refused goes back, as a new widget
_ABOUT: Final = (
    "When the verdict becomes collapsed or diverged, the run is paused, and fixes of the likeliest causes are tried on "
    "two short twins beside it. The first that is proven is put in force at the last healthy checkpoint; one that "
    "needs other data or weights gets a run of its own. No browser needs to be open. Off: nothing happens by itself."
)


def autopilot(record: RunRecord) -> None:
    """Nothing for a sweep, nor for a run that has ended without its doing."""
    pilot, ended = Autopilot.of(record), record.state in ENDED
    idle = pilot.phase in {Phase.OFF, Phase.WATCHING} and not pilot.acts
    if record.config.sweep is not None or (ended and idle):
        return
    with st.container(key="autopilot", gap="small"), calmly():
        if not ended:
            _switch(record, pilot)
        _say(pilot, ended=ended)
        if pilot.phase in AT_WORK:
            st.button(
                "Stop the autopilot", icon=":material/stop_circle:", key=f"autopilot.stop.{record.id}", width="stretch",
                on_click=_turn, args=(record.id, False), help="The run goes on as it is.",
            )  # fmt: skip
        if pilot.child:
            _to_child(pilot.child)


def _switch(record: RunRecord, pilot: Autopilot) -> None:
    """The widgets follow what is kept with the run; a switch thrown elsewhere makes them new ones."""
    version = f"{record.id}.{pilot.is_on}.{pilot.max_acts}.{st.session_state.get(_REFUSALS, 0)}"
    most_key = f"autopilot.most.{version}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.toggle(
            "**Autopilot**", value=pilot.is_on, key=f"autopilot.on.{version}", help=_ABOUT, width="stretch",
            on_change=_switched, args=(record.id, version),
        )  # fmt: skip
        st.selectbox(
            "How often it may act", range(1, _MOST + 1), max(1, pilot.max_acts) - 1, format_func=_most,
            key=most_key, width=150, label_visibility="collapsed",
            on_change=_switched, args=(record.id, version),
        )  # fmt: skip


def _say(pilot: Autopilot, *, ended: bool) -> None:
    if problem := st.session_state.get(_PROBLEM):
        st.caption(f":red[\u2715] {escape(problem)}")
    st.caption(words(pilot, ended=ended))


def words(pilot: Autopilot, *, ended: bool = False) -> str:
    """What it does, or did for a run that has ended, as Streamlit markdown."""
    acted = f"acted {pilot.acts} of {pilot.max_acts} times. {prose(pilot.reason)}" if pilot.acts else ""
    if pilot.phase is Phase.OFF:
        return f"Off. If the run collapses: rewind, and apply a proven fix, {_most(pilot.max_acts)}."
    if pilot.phase is Phase.WATCHING and ended:
        return f":gray[\u25cf] The autopilot {acted}"
    if pilot.phase is Phase.WATCHING:
        nothing = prose(pilot.reason) if pilot.parent else "nothing to do so far."
        return f":green[\u25cf] Watching; {acted or nothing}"
    if pilot.phase in AT_WORK:
        return f":orange[\u25d4] It is {_doing(pilot)}. :gray[{prose(_cause(pilot))}]"
    sign = ":blue[\u21b3]" if pilot.phase is Phase.HANDED_OVER else ":orange[\u25a0]"
    return f"{sign} {prose(pilot.reason)}"


def at_work(pilot: Autopilot) -> str:
    """The second line of the banner while it works; nothing else."""
    if pilot.phase not in AT_WORK:
        return ""
    return f":orange[\u25d4] Autopilot: {_doing(pilot)} :gray[\u00b7 {prose(_cause(pilot))}]"


def _doing(pilot: Autopilot) -> str:
    doing = "trying" if pilot.phase is Phase.PROVING else "applying"
    what = prose(pilot.candidates[0].words) if pilot.candidates else "a fix"
    return f"{doing} **{what}** since {since(pilot)}"


def _cause(pilot: Autopilot) -> str:
    """``"Fix of input.range (94 %), 1 more to try."``"""
    if not pilot.candidates:
        return ""
    first, *rest = pilot.candidates
    more = f", {len(rest)} more to try" if rest and pilot.phase is Phase.PROVING else ""
    return f"Fix of {first.remedy.cause} ({100 * first.confidence:.0f} %){more}."


def since(pilot: Autopilot) -> str:
    """How long it has been doing that: ``"0:20"``."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(pilot.at)).total_seconds() if pilot.at else 0.0
    return theme.format_duration(max(0.0, seconds))


def _most(count: int) -> str:
    return "at most once" if count == 1 else f"at most {max(1, count)} times"


def _to_child(run_id: str) -> None:
    try:
        child = state.catalog().run(run_id)
    except UnknownRunError:  # deleted since
        return
    if st.button(f"Open {child.name}", icon=":material/arrow_forward:", key=f"autopilot.child.{run_id}"):
        go(LIVE, child.id)


def _switched(run_id: str, version: str) -> None:
    """The switch or the number was changed, or a browser that is just leaving the page told what both hold."""
    on = bool(st.session_state[f"autopilot.on.{version}"])
    most = int(st.session_state[f"autopilot.most.{version}"])
    pilot = Autopilot.of(state.catalog().run(run_id))
    if on != pilot.is_on or (on and most != pilot.max_acts):
        _turn(run_id, on, most)


def _turn(run_id: str, on: bool, most: int = 0) -> None:
    """Switch it; on, for at most ``most`` acts."""
    st.session_state.pop(_PROBLEM, None)
    try:
        if on:
            switch_on(state.home(), run_id, max_acts=most)
        else:
            switch_off(state.home(), run_id)
    except EdgeFTError as error:
        st.session_state[_PROBLEM] = str(error)
        st.session_state[_REFUSALS] = st.session_state.get(_REFUSALS, 0) + 1
