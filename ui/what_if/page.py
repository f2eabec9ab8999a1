"""The What-if page: what is looked at, the lab, and what becomes of the values."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core.config import HeadConfig, RunConfig
from edgeft_core.errors import DataError, EdgeFTError
from edgeft_core.events import SampleSet
from edgeft_core.figures import theme
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.labs.what_if.sample import LabSample, lab_sample
from edgeft_core.presets import PRESETS
from edgeft_core.store.contract import CommandRecord, RunRecord
from ui import messages, state
from ui.launch.form import start_with
from ui.navigation import LAUNCH, go
from ui.what_if.from_data import from_data
from ui.what_if.from_run import config_in_force, from_run, offer_checkpoint
from ui.what_if.lab import Apply, Asked, Said, lab
from ui.what_if.shown import Shown

_DATA: Final = "data and weights"
_SETS: Final[dict[str, SampleSet]] = {"validation set": "validation", "latest batch": "train"}
_MOVABLE: Final = ACTIVE | {RunState.QUEUED}
_LIVE: Final = ("scale", "temperature", "margin_rad", "label_smoothing", "centre")
_PATIENCE_S: Final = 1.0
_SAID: Final = "what_if.said"


def what_if(record: RunRecord | None) -> None:
    """Draw the page; ``record`` is the run that is shown, if any."""
    bar = st.container(key="what_if_bar", horizontal=True, vertical_alignment="center", gap="medium")
    with bar:
        source = _choose(record)
        place = st.container(width="content")
    if record is None or source == _DATA:
        shown = from_data(config_in_force(record) if record else PRESETS["recommended"]())
    else:
        shown = from_run(record, _SETS[source], bar)
    if shown is None:
        return
    try:
        sample = lab_sample(shown.taken, shown.n_classes)
    except DataError as error:
        messages.show_error(error)
        if shown.record is not None:
            offer_checkpoint(shown.record)
        return
    with place:
        st.caption(looking_at(shown, sample))
    asked = lab(sample, shown.names, shown.config.head, apply=_apply(shown.record), said=_said(shown))
    if asked is not None:
        _do(asked, shown)


def looking_at(shown: Shown, sample: LabSample) -> str:
    """``"Looking at 1 000 of 1 036 images of the validation set at step 400, 518 classes"``."""
    images = theme.format_count(sample.images)
    of = f" of {theme.format_count(sample.total)}" if sample.total > sample.images else ""
    left_out = f"; {sample.left_out} are left out, for they are not finite" if sample.left_out else ""
    classes = theme.format_count(sample.n_classes)
    return messages.escape(f"Looking at {images}{of} images: {shown.where}, {classes} classes{left_out}.")


def _choose(record: RunRecord | None) -> str:
    if record is None:
        return _DATA
    chosen = st.segmented_control(
        "Source", [*_SETS, _DATA], default="validation set", required=True, key="what_if.source",
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen or "validation set"


def _apply(record: RunRecord | None) -> Apply:
    if record is None:
        return Apply(shown=False, can=False)
    current = state.catalog().run(record.id)
    if current.state in _MOVABLE:
        return Apply(shown=True, can=True)
    return Apply(shown=True, can=False, why="This run has ended: start a run with these values instead.")


def _said(shown: Shown) -> Said:
    """The answer to the last request, for the run that it was about."""
    run_id, said = st.session_state.get(_SAID, ("", Said()))
    about: Said = said
    return about if shown.record is not None and run_id == shown.record.id else Said()


def _do(asked: Asked, shown: Shown) -> None:
    changes = changed(shown.config.head, asked.head)
    if asked.verb == "start":
        start_with(
            label_of(shown, changes), "The values of the What-if lab, to be changed.", _with(shown, asked)
        )
        go(LAUNCH)
        return
    if shown.record is not None:
        live = {f"head.{name}": value for name, value in changes.items() if name in _LIVE}
        st.session_state[_SAID] = (shown.record.id, _sent(shown.record, live))
        st.rerun()


def _sent(record: RunRecord, live: dict[str, object]) -> Said:
    """One command with all values; they take effect in the same step."""
    if not live:
        return Said("Nothing differs from what is in force.")
    try:
        command = control.set_values(
            state.home(), record.id, live, requested_by="what-if", wait_s=_PATIENCE_S
        )
    except EdgeFTError as error:
        return Said(str(error), wrong=True)
    return outcome_words(command)


def outcome_words(command: CommandRecord) -> Said:
    """What became of a command, in a sentence."""
    if command.outcome == "applied":
        return Said(f"In force from step {theme.format_count(command.step)} on.")
    if command.outcome == "refused":
        return Said(f"Refused: {command.reason}", wrong=True)
    return Said("Sent; it takes effect at the job's next step.")


def changed(before: HeadConfig, after: HeadConfig) -> dict[str, object]:
    """Settings of the head that differ, by name."""
    old, new = before.model_dump(), after.model_dump()
    return {name: value for name, value in new.items() if value != old[name]}


def label_of(shown: Shown, changes: dict[str, object]) -> str:
    """``"as first try, scale 8, temperature 4"``: values make the label another one, so that the form starts anew."""
    told = [f"{name.removesuffix('_rad').replace('_', ' ')} {value}" for name, value in changes.items()]
    base = f"as {shown.record.name}" if shown.record else "from What if"
    return ", ".join([base, *told])


def _with(shown: Shown, asked: Asked) -> RunConfig:
    return shown.config.model_copy(update={"head": asked.head})
