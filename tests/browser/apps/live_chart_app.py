"""Two linked line charts that grow, one chart that waits, and what the server was told about them."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from edgeft_core.figures.theme import Meaning, line, template
from ui.live_chart import live_chart, visible_range

st.set_page_config(layout="wide")
if st.button("tick"):
    st.session_state["points"] = st.session_state.get("points", 100) + 10
st.button("rerun")
points = st.session_state.get("points", 100)


def figure(title: str, shift: float) -> go.Figure:
    steps = np.arange(points)
    wave = np.sin(steps / 15 + shift)
    return go.Figure(
        [
            go.Scatter(x=steps, y=wave, name="training", line=line(Meaning.TRAINING)),
            go.Scatter(x=steps, y=0.8 * wave, name="validation", line=line(Meaning.VALIDATION)),
        ],
        layout={"template": template(), "title": {"text": title}, "yaxis": {"title": {"text": "rad"}}},
    )


first = live_chart(figure("First", 0), key="first", height=240)
second = live_chart(figure("Second", 1), key="second", height=240)
live_chart(
    go.Figure(layout={"template": template()}),
    key="third",
    height=120,
    empty="Waiting for the first batch ...",
)
st.text(f"points={points}")
st.text(f"range={visible_range()}")
st.text(f"clicked={first.clicked}")
