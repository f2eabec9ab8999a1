"""What pages about one network say where a sweep is shown."""

from __future__ import annotations

import streamlit as st

from edgeft_core.store.contract import RunRecord
from ui import messages, navigation


def not_for_sweeps(record: RunRecord) -> None:
    """End the page where ``record`` is a sweep, which trains many heads and not one network; shows the way to it."""
    if record.config.sweep is None:
        return
    messages.empty_state(
        "This run is a sweep",
        "It trains many heads at once. Their map, their curves and the edge of collapse are on the Sweep page.",
        icon="grid_on",
        page=navigation.SWEEP,
        action="Open the sweep",
    )
    st.stop()
