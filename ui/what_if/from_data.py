"""Embeddings straight from data and weights, without a run."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import settings_of, value_of, with_values
from edgeft_core.data import FaceDataset
from edgeft_core.errors import DataError
from edgeft_core.events import EmbeddingsTaken, SampleSet
from edgeft_core.jobs.embedding import embedded
from edgeft_core.labs.embedding import Weights
from ui import faces, messages, state
from ui.controls import setting_widget
from ui.launch.sources import data_source
from ui.launch.weights import backbone_name, weights
from ui.what_if.embedding import embedding_under_way, start_embedding
from ui.what_if.shown import Shown

_FOUND: Final = "what_if.found"
_SYNTHETIC_ONLY: Final = ("data.identities", "data.images_per_identity")
_PLAIN: Final = ("data.train_on", "data.low_res_px", "data.normalisation")
_WEIGHTS: Final[dict[str, Weights]] = {
    "class means (no training)": "means",
    "a random head (first step)": "head",
}


def from_data(base: RunConfig) -> Shown | None:
    """A short form, and what these data and weights make; None while something is missing."""
    with st.expander("Data and weights", expanded=not st.session_state.get(_FOUND)):
        config = _form(base)
        pressed = st.button("Embed", type="primary", key="what_if.embed", disabled=not config.data.source)
    if pressed:
        start_embedding(config)
    if not config.data.source:
        st.caption("Name a folder of faces, or take drawn identities.")
        return None
    if embedding_under_way(config):
        return None
    chosen = st.session_state.get("what_if.weights") or next(iter(_WEIGHTS))
    taken = _embedded(config, _WEIGHTS[chosen])
    if st.session_state.get(_FOUND, False) != (taken is not None):
        st.session_state[_FOUND] = taken is not None
        st.rerun()  # the form folds away once there is something to see
    if taken is None:
        st.caption(
            "Press *Embed* to see what other settings of the head would make of these faces; it takes seconds for the "
            "small network and a few minutes for the largest on a CPU. A run that trains is looked at here without it."
        )
        return None
    _choose_weights()
    names = _names(config)
    where = f"{'validation' if taken.split == 'validation' else 'training'} images against {chosen}"
    return Shown(taken, config, names, len(names), where)


def _embedded(config: RunConfig, weights: Weights) -> EmbeddingsTaken | None:
    """Validation images, or training images where there are no others."""
    sets: tuple[SampleSet, ...] = ("validation", "train")
    found = (embedded(state.home(), config, split, weights=weights) for split in sets)
    return next((taken for taken in found if taken is not None), None)


def _choose_weights() -> None:
    st.segmented_control(
        "Class weights", list(_WEIGHTS), default=next(iter(_WEIGHTS)), required=True, key="what_if.weights",
        label_visibility="collapsed",
        help="What the cosines are taken to. Class means of training images show what the embeddings are worth; "
        "a random head is what training begins with.",
    )  # fmt: skip


def _form(base: RunConfig) -> RunConfig:
    described = settings_of(base)
    left, middle, right = st.columns(3)
    changes: dict[str, Any] = {}
    with left:
        source = data_source(base.data.source, "what_if.data.source")
        changes["data.source"] = source or base.data.source
        for key in _SYNTHETIC_ONLY if source == "synthetic" else ():
            changes[key] = setting_widget(described[key], value_of(base, key), f"what_if.{key}")
    with middle:
        for key in _PLAIN:
            changes[key] = setting_widget(described[key], value_of(base, key), f"what_if.{key}")
    with right:
        changes["backbone.name"] = backbone_name(
            described["backbone.name"], base.backbone.name, "what_if.backbone.name"
        )
        changes["backbone.weights"] = weights(
            described["backbone.weights"], base.backbone.weights, "what_if.backbone.weights"
        )
    config = with_values(base, changes)
    return (
        config
        if source
        else config.model_copy(update={"data": config.data.model_copy(update={"source": ""})})
    )


def _names(config: RunConfig) -> tuple[str, ...]:
    """The people's names; none where the data cannot be read any more."""
    try:
        data: FaceDataset = faces.dataset(config.data, seed=config.seed, home=state.home())
    except DataError as error:
        st.caption(messages.escape(str(error)))
        return ()
    return data.class_names
