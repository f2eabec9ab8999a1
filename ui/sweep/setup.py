"""A new sweep: from what, along which axes, at what cost."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import settings_of, value_of, with_values
from edgeft_core.figures import theme
from edgeft_core.jobs.launching import free_name
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.labs.sweep.axes import AXES
from edgeft_core.labs.sweep.base import with_sweep
from edgeft_core.presets import PRESETS
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.launch.cost import format_bytes
from ui.launch.form import preset_sentence
from ui.launch.preview import opened
from ui.launch.sources import data_source
from ui.launch.weights import weights
from ui.messages import calmly, escape
from ui.navigation import SWEEP, go
from ui.sweep.axes_editor import axes_editor
from ui.sweep.cost import sweep_cost
from ui.sweep.reading import axis_title, axis_words

NEW: Final = "sweep.new.asked"
"""Set while the user asked for a new sweep although one is shown."""

_SOURCES: Final = ("a preset", "a run")
_LONG_S: Final = 600.0


def setup_panel(record: RunRecord | None) -> None:
    """The form on the left, the cost and the start button on the right.

    Args:
        record: the run that is shown; the form offers it first.
    """
    form, side = st.columns([6, 5], gap="medium")
    config = None
    with form, calmly():
        base, name = _base(record)
        config = _swept(base)
    with side, calmly():
        if config is None:
            st.caption("Mend the axes on the left to go on.")
        elif not config.data.source:
            st.caption("Name a folder on the left to go on.")
        else:
            _start(config, name)


def _base(record: RunRecord | None) -> tuple[RunConfig, str]:
    """What all heads share, and a name for the sweep."""
    st.markdown("**What all heads share**")
    runs = [run for run in state.catalog().runs(limit=100) if run.config.sweep is None]
    kind = "a preset"
    if runs:
        kind = (
            st.segmented_control(
                "Begin with",
                _SOURCES,
                default="a run" if record is not None and record.config.sweep is None else "a preset",
                required=True,
                key="sweep.new.source",
                help="A run lends its data, backbone, weights, seed and the settings that no axis changes.",
            )
            or "a preset"
        )
    if kind == "a run":
        return _of_run(runs, record)
    preset = st.selectbox("Preset", list(PRESETS), key="sweep.new.preset")
    st.caption(escape(preset_sentence(preset)))
    base = PRESETS[preset]()
    source = data_source(base.data.source, f"sweep.new.{preset}.data")
    chosen = weights(
        settings_of(base)["backbone.weights"], base.backbone.weights, f"sweep.new.{preset}.weights"
    )
    return with_values(base, {"data.source": source, "backbone.weights": chosen}), f"sweep-{preset}"


def _of_run(runs: list[RunRecord], record: RunRecord | None) -> tuple[RunConfig, str]:
    """The settings of a run, as they were launched."""
    by_id = {run.id: run for run in runs}
    shown = record.id if record is not None and record.id in by_id else runs[0].id
    run_id = st.selectbox(
        "Run", list(by_id), index=list(by_id).index(shown), format_func=lambda one: by_id[one].name,
        key="sweep.new.run",
    )  # fmt: skip
    run = by_id[run_id]
    data, backbone = run.config.data, run.config.backbone
    st.caption(
        f"Data {escape(data.source)}, backbone {escape(backbone.name)} with weights {escape(backbone.weights)}, pixels "
        f"{escape(data.normalisation)}, seed {run.config.seed}. The backbone stays as these weights have it."
    )
    return run.config, f"sweep-{run.name}"


def _swept(base: RunConfig) -> RunConfig | None:
    """The config of the sweep; None while an axis cannot be read."""
    st.markdown("**In what they differ**")
    axes = axes_editor()
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        epochs = st.number_input(
            "Epochs",
            1,
            1000,
            base.stages[0].epochs,
            key="sweep.new.epochs",
            help="Passes over the training images.",
        )
    with right:
        draws = st.number_input(
            "Random draws", 0, 4096, 0, key="sweep.new.draws",
            help="0 trains every combination. Otherwise so many heads are drawn at random, ranges anywhere inside.",
        )  # fmt: skip
    if axes is None:
        return None
    return with_sweep(base, axes, draws=int(draws), epochs=int(epochs))


def _start(config: RunConfig, name: str) -> None:
    """What it costs, and the button."""
    data = opened(config.data, config.seed)
    cost = sweep_cost(config, len(data.splits["train"]), len(data.splits["validation"]), data.n_classes)
    typed = st.text_input("Name of the sweep", placeholder=name, key="sweep.new.name", max_chars=80)
    pressed = st.button(
        "Start the sweep", type="primary", icon=":material/play_arrow:", key="sweep.new.start"
    )
    st.markdown(
        f"**{cost.heads} heads** at once, {theme.format_count(cost.steps)} steps each: about "
        f"**{theme.format_duration(cost.seconds)}** :gray[({theme.format_duration(cost.embedding_s)} of it for the one "
        f"embedding pass, unless it is kept from before; a GPU is much faster)], "
        f"**{format_bytes(cost.plan.bytes_needed)}** of memory :gray[({format_bytes(cost.plan.free_bytes)} free)]"
    )
    if cost.plan.blocks > 1:
        st.info(escape(cost.plan.sentence()))
    if cost.seconds > _LONG_S:
        st.caption("Fewer values, fewer epochs or some random draws make it shorter.")
    _what_it_is(config)
    busy = state.catalog().runs(states=(*ACTIVE, RunState.QUEUED), limit=10)
    if busy:
        st.caption(
            f"{escape(busy[0].name)} is {busy[0].state.value}; the sweep waits until its device is free."
        )
    if pressed:
        run = jobs.launch(state.home(), config, name=typed.strip() or free_name(state.catalog(), name))
        st.session_state.pop(NEW, None)
        go(SWEEP, run.id)


def _what_it_is(config: RunConfig) -> None:
    """The idea in three sentences, and the settings that all heads share."""
    st.caption(
        "The backbone is frozen: images are embedded once, then all heads take every step together, each with its own "
        "settings, from the same first weights and in the same order of images. Each becomes the head that a run of "
        "its own would have trained."
    )
    swept = {axis.key for axis in config.sweep.axes} if config.sweep else set()
    shared = [key for key in AXES if key not in swept]
    told = ", ".join(f"{axis_title(key)} {axis_words(key, value_of(config, key))}" for key in shared)
    st.caption(f"Shared by all: {escape(told)}.")
