"""Where is the edge? The findings in words."""

from __future__ import annotations

import streamlit as st

from edgeft_core import queries
from ui.messages import prose


def edge_panel(results: queries.SweepResults, step: int) -> None:
    """What drives collapse, where the border lies, and where the reported settings are."""
    report = queries.edge_report(results, queries.sweep_frame(results, step=step))
    st.markdown("**Where is the edge?**")
    for sentence in report.sentences:
        st.markdown(prose(sentence))
    for sentence in report.marks:
        st.caption(prose(sentence))
    if report.edge is not None:
        images = "validation images" if report.on_validation else "the latest training images"
        st.caption(
            f"Measured on {images} after step {step}. A head counts as collapsed by the thresholds of the verdict: a "
            "quarter of the predictions beyond guessing on one class, or an eighth of the classes that guessing "
            "would show."
        )
