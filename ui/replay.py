"""Replay: the same run again, from its settings and its journal."""

from __future__ import annotations

import streamlit as st

from edgeft_core.jobs.replaying import replay
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.navigation import LIVE, go


def replay_button(record: RunRecord) -> None:
    """Start it and go there; nothing for a sweep, whose heads nobody steers."""
    if record.config.sweep is None and st.button(
        "Replay", icon=":material/replay:", key=f"replay.{record.id}",
        help="A new run with the same settings and the same live changes at the same steps. "
        "On CPU it gives the same numbers.",
    ):  # fmt: skip
        go(LIVE, replay(state.home(), record.id).id)
