"""Diagnosis: what is wrong with the run, why, how sure that is, and what to change."""

from __future__ import annotations

import streamlit as st

from edgeft_core.jobs.states import ENDED
from ui import frame, messages, navigation
from ui.diagnosis.causes import causes_panel
from ui.diagnosis.probes import probes_panel
from ui.diagnosis.verdict import verdict_panel
from ui.sweep.pointer import not_for_sweeps

record = frame.open_page("Diagnosis")
if record is None:
    messages.empty_state(
        "Nothing to diagnose yet",
        "Launch a run; from its first step on it has a verdict, and causes where something is wrong.",
        icon="stethoscope",
        page=navigation.LAUNCH,
        action="Launch a run",
    )
    st.stop()
not_for_sweeps(record)
if record.error:
    st.error(messages.escape(record.error), icon=":material/error:")
every_s = None if record.state in ENDED else frame.poll_s()
verdict_panel(record.id, every_s=every_s)
left, right = st.columns([5, 3], gap="medium")
with left:
    causes_panel(record.id, every_s=every_s)
with right, messages.calmly():
    probes_panel(record.id)
