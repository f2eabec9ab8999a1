"""Live: is it learning, is it collapsing, why, and what can I do?"""

from __future__ import annotations

import streamlit as st

from edgeft_core.jobs.states import ENDED
from ui import frame, messages, navigation, state, style
from ui.fork import origin_line
from ui.live.charts import charts, parent_of, toolbar
from ui.live.control_panel import control_panel
from ui.live.first_batch import first_batch_of
from ui.live.trouble import the_queue, trouble, waits
from ui.live.verdict import verdict_line
from ui.sweep.pointer import not_for_sweeps

record = frame.open_page("Live")
if record is None:
    messages.empty_state(
        "No run yet",
        "Launch one, and watch it learn here from its first batch on.",
        icon="monitoring",
        page=navigation.LAUNCH,
        action="Launch a run",
    )
    st.stop()
not_for_sweeps(record)
every_s = None if record.state in ENDED else frame.poll_s()
trouble(record)
origin_line(record)
waiting = waits(record)
if not waiting:
    verdict_line(record.id, every_s=every_s)
with st.container(horizontal=True, wrap=False, gap="medium"):
    main = st.container(key="main", width="stretch")
    side = st.container(key="side", width=style.SIDE_PX)
with side:
    if not waiting:
        kind, smoothing = toolbar()
        parent_id = parent_of(record)
    control_panel(record.id, every_s=every_s)
with main:
    if waiting:
        the_queue(record)
        st.stop()
    charts(record.id, kind, smoothing, parent_id=parent_id, every_s=every_s)
    with messages.calmly():
        first_batch_of(state.home(), record.id)
