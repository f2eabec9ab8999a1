"""The grid of charts, kept up to date while the run goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

import streamlit as st
from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

from edgeft_core.errors import UnknownRunError
from edgeft_core.figures.axis import XKind
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.fragments import fragment
from ui.live.drawing import Drawing, DrawnChart, drawing
from ui.live.more_panels import GROUPS, Group
from ui.live.panel import Slot
from ui.live.panels import SLOTS
from ui.live_chart import live_chart, visible_range
from ui.messages import calmly, escape
from ui.now import at_this_moment
from ui.signals_help import explanation

_HEIGHT_PX: Final = 200
# Weight of the past in the moving mean.
_SMOOTHING: Final = {"raw": 0.0, "smooth": 0.7, "smoother": 0.95}


def toolbar() -> tuple[XKind, float]:
    """Step, epoch or time; and how much curves are smoothed."""
    with st.container(key="toolbar", horizontal=True, gap="small"):
        kind = st.segmented_control(
            "x axis",
            get_args(XKind),
            default="step",
            required=True,
            key="live.axis",
            label_visibility="collapsed",
        )
        strength = st.segmented_control(
            "Smoothing",
            list(_SMOOTHING),
            default="raw",
            required=True,
            key="live.smoothing",
            label_visibility="collapsed",
            help="An exponential moving mean; what was measured stays visible behind it.",
        )
    return kind or "step", _SMOOTHING[strength or "raw"]


def parent_of(record: RunRecord) -> str:
    """The run that this one comes from, if it is to be shown behind it; else empty."""
    try:
        parent = state.catalog().run(record.parent_id) if record.parent_id else None
    except UnknownRunError:
        parent = None
    if parent is None:
        return ""
    shown = st.toggle(
        "Show parent", key=f"live.parent.{record.id}", help=f"The curves of {parent.name} as faint lines."
    )
    return parent.id if shown else ""


def charts(run_id: str, kind: XKind, smoothing: float, *, parent_id: str = "", every_s: float | None) -> None:
    """The grid; drawn again every ``every_s`` seconds, never if None.

    Args:
        parent_id: a run whose curves are drawn behind; empty for none.
    """
    fragment(_draw, every_s=every_s)(run_id, kind, smoothing, parent_id)


def _draw(run_id: str, kind: XKind, smoothing: float, parent_id: str) -> None:
    with calmly():
        group = f"live:{run_id}:{kind}"
        first = st.container(key="charts")
        folds = [(one, _fold(one, run_id)) for one in GROUPS]
        opened = [(one, fold) for one, fold in folds if fold.open]
        keys = tuple(one.key for one, _ in opened)
        drawn = at_this_moment(drawing, run_id, kind, smoothing, parent_id, visible_range(group), keys)
        with first:
            if drawn.problem:
                st.warning(escape(drawn.problem), icon=":material/warning:")
            _grid(SLOTS, drawn, group)
        for one, fold in opened:
            with fold, st.container(key=f"charts_{one.key}"):
                _grid(one.slots, drawn, group)


def _fold(group: Group, run_id: str) -> ExpanderContainer:
    """Closed at first: what is closed is neither read nor drawn."""
    return st.expander(group.title, on_change="rerun", key=f"live.group.{group.key}.{run_id}")


def _grid(slots: Sequence[Slot], drawn: Drawing, group: str) -> None:
    for slot in slots:
        if (chart := drawn.charts.get(slot.key)) is not None:
            with st.container(key=f"chart_{slot.key}"):
                _chart(slot, chart, group)


def _chart(slot: Slot, chart: DrawnChart, group: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{slot.title}**", width="content")
        with st.popover("?", type="tertiary"):
            st.markdown(explanation(slot.signals))
        st.caption(chart.note, text_alignment="right")
    live_chart(
        chart.figure,
        key=chart.key,
        height=_HEIGHT_PX,
        group=group if chart.linked else None,
        label=slot.title,
        empty=chart.waits_for,
    )
