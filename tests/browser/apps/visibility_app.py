"""A fragment that counts its runs, at the pace that `poll_interval` allows."""

import streamlit as st

from ui.visibility import poll_interval

interval = poll_interval(visible_s=0.3, hidden_s=60)
st.text(f"interval={interval}")


@st.fragment(run_every=interval)
def clock() -> None:
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.text(f"runs={st.session_state['runs']}")


clock()
