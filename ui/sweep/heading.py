"""Which sweep is shown, and the way to a new one or back."""

from __future__ import annotations

import streamlit as st

from edgeft_core import queries
from edgeft_core.labs.sweep.heads import sweep_words
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.messages import escape
from ui.navigation import SWEEP, go
from ui.sweep.setup import NEW


def heading(shown: RunRecord | None) -> bool:
    """Draw it; answers whether the form of a new sweep is wanted."""
    asked = bool(st.session_state.get(NEW)) or shown is None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if asked:
            st.markdown(
                "**A new sweep** :gray[many heads on one frozen backbone, trained at once]", width="content"
            )
            _open_another(shown)
        elif shown is not None and shown.config.sweep is not None:
            st.markdown(
                f"**{escape(shown.name)}** :gray[{escape(sweep_words(shown.config.sweep))}]", width="content"
            )
            if st.button("New sweep", icon=":material/add:", key="sweep.new.ask"):
                st.session_state[NEW] = True
                st.rerun()
    return asked


def _open_another(shown: RunRecord | None) -> None:
    """Sweeps that are there already."""
    if shown is not None:
        if st.button(f"Back to {shown.name}", icon=":material/arrow_back:", key="sweep.new.back"):
            st.session_state.pop(NEW, None)
            st.rerun()
        return
    found = queries.sweeps(state.home(), limit=200)
    if not found:
        return
    by_id = {one.id: one for one in found}
    chosen = st.selectbox(
        "Open a sweep",
        list(by_id),
        index=None,
        placeholder=f"Open one of {len(found)} sweeps",
        format_func=lambda one: by_id[one].name,
        label_visibility="collapsed",
        key="sweep.open",
        width=260,
    )
    if chosen is not None:
        go(SWEEP, chosen)
