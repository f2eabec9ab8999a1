"""Charts that grow on demand, and what the server was told about them."""

import time

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from edgeft_core.figures.theme import Meaning, line, template
from ui.live_chart import live_chart, visible_range

st.set_page_config(layout="wide", menu_items={"About": "A test page"})
if st.button("tick"):
    st.session_state["points"] = st.session_state.get("points", 100) + 10
points = st.session_state.get("points", 100)
unit = st.radio("unit", ["steps", "seconds"], horizontal=True)


def figure(title: str, shift: float) -> go.Figure:
    x = np.arange(points) * (1.0 if unit == "steps" else 0.5)
    wave = np.sin(np.arange(points) / 15 + shift)
    return go.Figure(
        [
            go.Scatter(x=x, y=wave, name="training", line=line(Meaning.TRAINING)),
            go.Scatter(x=x, y=0.8 * wave, name="validation", line=line(Meaning.VALIDATION)),
        ],
        layout={"template": template(), "title": {"text": title}, "yaxis": {"title": {"text": "rad"}}},
    )


def rows() -> go.Figure:
    """Two rows that share one x axis, as `make_subplots(shared_xaxes=True)` builds them."""
    built = make_subplots(rows=2, cols=1, shared_xaxes=True)
    for row in (1, 2):
        built.add_scatter(y=np.arange(points) ** row, row=row, col=1)
    return built.update_layout(template=template(), title_text="Rows", showlegend=False)


if st.toggle("slow"):
    time.sleep(2)
bars = go.Figure([go.Bar(x=["a", "b"], y=[1, points])], layout={"template": template()})
waiting = go.Figure(layout={"template": template()})

if st.toggle("show charts", value=True):
    first = live_chart(figure("First", 0), key="first", height=240, group=f"live:{unit}", label="A wave")
    live_chart(figure("Second", 1), key="second", height=240, group=f"live:{unit}")
    live_chart(rows(), key="rows", height=240, group=f"live:{unit}")
    alone = live_chart(bars, key="alone", height=120, group=None)
    live_chart(waiting, key="waiting", height=80, empty="Waiting for the first batch ...")
    st.text(f"clicked={first.clicked and (first.clicked.curve, first.clicked.point_index)}")
    st.text(f"alone={alone.x_range}")
st.text(f"points={points}")
span = visible_range(f"live:{unit}")
st.text(f"range={span and tuple(round(end, 3) for end in span)}")
