"""Going from page to page, inside the frame and where a page runs alone."""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.errors import StreamlitAPIException

from ui.messages import escape
from ui.state import RUN_PARAMETER, show_run

LAUNCH: Final = "pages/launch.py"
LIVE: Final = "pages/live.py"
DIAGNOSIS: Final = "pages/diagnosis.py"
SAMPLES: Final = "pages/samples.py"
SWEEP: Final = "pages/sweep.py"
RUNS: Final = "pages/runs.py"
WHAT_IF: Final = "pages/what_if.py"


def go(page: str, run_id: str = "") -> None:
    """Open ``page``, for ``run_id`` if given."""
    if run_id:
        show_run(run_id)
    kept = run_id or st.query_params.get(RUN_PARAMETER)
    try:
        st.switch_page(page, query_params={RUN_PARAMETER: kept} if kept else None)
    except StreamlitAPIException:  # the page was started alone: there is nowhere to go
        st.info(f"Start the whole app (streamlit run app.py) to open {escape(page)}.")
