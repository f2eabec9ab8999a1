"""Embeddings that a run kept, or else those of its last checkpoint; a sentence where there is neither."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from edgeft_core import queries
from edgeft_core.config import RunConfig
from edgeft_core.errors import HomeError
from edgeft_core.events import EmbeddingsTaken, SampleSet
from edgeft_core.figures import theme
from edgeft_core.jobs.control import settings_now
from edgeft_core.jobs.embedding import embedded
from edgeft_core.jobs.states import ENDED
from edgeft_core.store.contract import RunRecord
from ui import messages, state
from ui.fragments import fragment
from ui.what_if.embedding import embedding_under_way, start_embedding
from ui.what_if.shown import Shown

_LOOK_EVERY_S = 3.0
_NAMES: dict[SampleSet, str] = {"validation": "the validation set", "train": "the latest batch"}


def config_in_force(record: RunRecord) -> RunConfig:
    """The run's settings with its live changes."""
    return settings_now(state.catalog(), record)


def from_run(record: RunRecord, split: SampleSet, bar: DeltaGenerator) -> Shown | None:
    """What there is of the set; None after saying why there is nothing and what to do.

    Args:
        bar: where newer ones are offered.
    """
    config = config_in_force(record)
    kept = None if record.id in _set_aside() else _kept(record, split)
    taken = kept or embedded(state.home(), config, split, run_id=record.id)
    if taken is None:
        _say_what_to_do(record, config)
        return None
    source = "" if kept else ", read from its last checkpoint"
    where = f"{_NAMES[split]} at step {theme.format_count(taken.step)}{source}"
    if kept and record.state not in ENDED:
        with bar:
            fragment(_offer_newer, every_s=_LOOK_EVERY_S)(record.id, split, taken.step)
    n_classes = int(record.summary.get("n_classes") or 0)
    return Shown(taken, config, queries.class_names(state.home(), record), n_classes, where, record)


def offer_checkpoint(record: RunRecord) -> None:
    """Where what the run kept cannot be looked at: go by its last checkpoint instead, if there is one."""
    if not _checkpoint(record).is_file():
        st.caption("This run has no checkpoint that could be read instead.")
    elif st.button("Read its last checkpoint instead", type="primary", key="what_if.instead"):
        _set_aside().add(record.id)
        start_embedding(config_in_force(record), record.id)
        st.rerun()


def _set_aside() -> set[str]:
    """Runs whose kept embeddings this session does not look at."""
    aside: set[str] = st.session_state.setdefault("what_if.set_aside", set())
    return aside


def _kept(record: RunRecord, split: SampleSet) -> EmbeddingsTaken | None:
    try:
        return queries.embeddings(state.home(), record.id, split)
    except HomeError as error:
        st.warning(messages.escape(str(error)), icon=":material/broken_image:")
        return None


def _say_what_to_do(record: RunRecord, config: RunConfig) -> None:
    if embedding_under_way(config, record.id):
        return
    if record.config.sweep is not None:
        messages.empty_state(
            "A sweep keeps no embeddings",
            "It trains many heads at once. Look at its data and weights instead, or at a run that starts from one of "
            "its settings.",
            icon="grid_view",
        )
        return
    if not _checkpoint(record).is_file():
        waiting = record.state not in ENDED
        text = (
            "They come with its first step, and those of the validation set with its first validation."
            if waiting
            else "It ended before it kept any, and it has no checkpoint. Look at its data and weights instead, or "
            "start a run."
        )
        messages.empty_state(
            "This run has no embeddings", text, icon="hourglass_empty" if waiting else "block"
        )
        return
    messages.empty_state(
        "This run kept no embeddings",
        "It was trained by an older version, has very many classes, or has not come to this set yet. Its last "
        "checkpoint can be read instead: some images are embedded in the background, which takes seconds to minutes.",
        icon="inventory_2",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Read its last checkpoint", type="primary", key="what_if.read_checkpoint"):
            start_embedding(config, record.id)
            st.rerun()


def _checkpoint(record: RunRecord) -> Path:
    return state.home().run_folder(record.id) / "checkpoints" / "last.pt"


def _offer_newer(run_id: str, split: SampleSet, shown_step: int) -> None:
    """Newer ones are offered, not swapped under somebody's hands."""
    with messages.calmly():
        taken = queries.embeddings(state.home(), run_id, split)
        new = taken is not None and taken.step > shown_step
        words = f"Show step {theme.format_count(taken.step)}" if taken and new else "This is the newest"
        if st.button(
            words, icon=":material/refresh:", disabled=not new, type="tertiary", key="what_if.refresh"
        ):
            st.rerun()
