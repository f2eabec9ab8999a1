"""What surrounds every page: page settings, the run picker and the status line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from edgeft_core import queries
from edgeft_core.errors import EdgeFTError
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord
from ui import state, style
from ui.access.gate import admit
from ui.fragments import begin_page
from ui.live.actions import actions
from ui.live.status import status_line
from ui.messages import calmly, show_error
from ui.now import at_this_moment
from ui.visibility import poll_interval

_APP: Final = "app.py"
_POLL: Final = "edgeft.poll_s"
_VISIBLE_S: Final = 0.8  # with 0.2 s between two flushes of the recorder, a point is on screen within 1.5 s
_PICKER: Final = "run_picker"
_WATCHING: Final = ("Live", "Sweep")
_framed: ContextVar[bool] = ContextVar("edgeft_framed", default=False)


@contextmanager
def framed(title: str) -> Iterator[None]:
    """Draw the frame, then the page inside; the page knows that it need not draw one itself."""
    draw(title)
    token = _framed.set(True)
    try:
        yield
    finally:
        _framed.reset(token)


def open_page(title: str) -> RunRecord | None:
    """First call of every page: draws the frame if app.py did not, and answers which run is shown."""
    if not _framed.get():
        _hand_over_to_app()
        st.set_page_config(page_title=f"{title} - EdgeFT", page_icon=style.ICON, layout="wide")
        draw(title)
    try:
        return state.current_run()
    except EdgeFTError as error:
        show_error(error)
        st.stop()


def _hand_over_to_app() -> None:
    """Let app.py draw the frame where it is what was started.

    Until a server has run app.py once, Streamlit finds pages/ by itself and runs a page that is opened by its
    address (a reload after the server restarted) without app.py.
    """
    context = get_script_run_ctx()
    if PagesManager.uses_pages_directory and context and Path(context.main_script_path).name == _APP:
        PagesManager.uses_pages_directory = False
        st.rerun()


def poll_s() -> float:
    """Seconds between two looks for news: few while somebody looks, more while the tab is hidden."""
    return float(st.session_state.get(_POLL, _VISIBLE_S))


def draw(title: str) -> None:
    """Run picker and status line; what can be done with the run only where it is watched."""
    begin_page()
    style.apply()
    admit()
    st.session_state[_POLL] = poll_interval(_VISIBLE_S)
    with calmly():
        record = state.current_run()
        with st.container(key="frame", horizontal=True, vertical_alignment="center", gap="medium"):
            _picker(record)
            if record is not None:
                status_line(record.id, record.state, every_s=poll_s())
                if title in _WATCHING:
                    actions(record)
        return
    st.stop()  # without a home there is nothing that a page could show


def _picker(record: RunRecord | None) -> None:
    runs = at_this_moment(newest_runs)
    if not runs:
        st.markdown("**EdgeFT** :gray[no run yet]", width="content")
        return
    by_id = {one.id: one for one in runs}
    if record is not None:
        by_id.setdefault(record.id, record)
        st.session_state[_PICKER] = record.id
    st.selectbox(
        "Run",
        list(by_id),
        format_func=lambda run_id: run_label(by_id[run_id]) if run_id in by_id else run_id,
        key=_PICKER,
        on_change=_picked,
        label_visibility="collapsed",
        width=330,
    )


def newest_runs(home: Home) -> Sequence[RunRecord]:
    """As many as somebody picks from."""
    return queries.catalog_of(home).runs(limit=200)


def _picked() -> None:
    state.show_run(st.session_state[_PICKER])


_SIGNS: Final = {
    RunState.QUEUED: "\u25cb",
    RunState.STARTING: "\u25d4",
    RunState.RUNNING: "\u25cf",
    RunState.PAUSED: "\u2759\u2759",
    RunState.FINISHED: "\u2713",
    RunState.STOPPED: "\u25a0",
    RunState.FAILED: "\u2715",
    RunState.LOST: "?",
}


def run_label(record: RunRecord) -> str:
    """``"(sign) name, 518 ids, edgeface_xxs"``: enough to tell runs apart in a list."""
    people = record.summary.get("n_classes") or (
        record.config.data.identities if record.config.data.source == "synthetic" else None
    )
    ids = f" \u00b7 {people} ids" if people else ""
    return f"{_SIGNS[record.state]} {record.name}{ids} \u00b7 {record.config.backbone.name.removeprefix('edgeface_')}"
