"""Sweep: tens of heads trained at once on one frozen backbone, and where among them collapse begins."""

from __future__ import annotations

import streamlit as st

from edgeft_core.jobs.states import ENDED
from ui import frame, state
from ui.sweep.heading import heading
from ui.sweep.results import results_panel
from ui.sweep.setup import setup_panel

record = frame.open_page("Sweep")
shown = record if record is not None and record.config.sweep is not None else None
if heading(shown) or shown is None:
    setup_panel(record)
    st.stop()
ended = state.catalog().run(shown.id).state in ENDED
results_panel(shown.id, every_s=None if ended else frame.poll_s())
