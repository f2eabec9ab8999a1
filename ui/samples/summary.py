"""How the kept samples did, and whether newer ones are there."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from edgeft_core import queries
from edgeft_core.events import SampleSet
from edgeft_core.figures import theme
from edgeft_core.jobs.states import ENDED
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.fragments import fragment

_LOOK_EVERY_S = 3.0


def summary(table: pd.DataFrame, record: RunRecord) -> None:
    """One line: right ones beside what guessing would get."""
    right, images = int(table["right"].sum()), len(table)
    classes = int(record.summary.get("n_classes") or 0)
    guessing = f" (guessing: {theme.format_percent(1 / classes)})" if classes else ""
    step = theme.format_count(int(table["step"].iloc[0]))
    st.markdown(
        f"**{right} of {images} right**, {theme.format_percent(right / images)}{guessing} :gray[at step {step}]"
    )


def newer_samples(run_id: str, split: SampleSet, shown_step: int) -> None:
    """Offer newer samples rather than swapping faces under somebody's eyes."""
    if state.catalog().run(run_id).state not in ENDED:
        fragment(_offer, every_s=_LOOK_EVERY_S)(run_id, split, shown_step)


def _offer(run_id: str, split: SampleSet, shown_step: int) -> None:
    with queries.metrics_of(state.home(), run_id) as reader:
        taken = reader.samples(split)
    newest = taken.step if taken else 0
    new = newest > shown_step
    words = f"Show step {theme.format_count(newest)}" if new else "These are the newest samples"
    if st.button(words, icon=":material/refresh:", disabled=not new, type="tertiary", key="samples.refresh"):
        st.rerun()
