"""Fork: a new run from a checkpoint of this one; and where a fork came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import streamlit as st

from edgeft_core.figures import theme
from edgeft_core.jobs import control
from edgeft_core.jobs.forking import Origin, fork
from edgeft_core.jobs.states import ACTIVE
from edgeft_core.store.contract import CheckpointRecord, RunRecord
from ui import state
from ui.messages import escape
from ui.navigation import LIVE, go
from ui.question import answered, keep_shown, question

_PATIENCE_S: Final = 0.5


def fork_popover(
    record: RunRecord, changes: Callable[[RunRecord], Mapping[str, Any]], *, label: str = ""
) -> None:
    """Choose a checkpoint and start a run from it.

    Args:
        changes: settings of the new run that differ from those in force at the checkpoint.
        label: on the button, beside its icon; empty for the icon alone.
    """
    question(
        lambda now: _fork(now, changes(now)),
        record.id,
        key=f"fork.{record.id}",
        label=label,
        icon=":material/fork_right:",
        help="Fork: a new run from one of its checkpoints",
        type="secondary" if label else "tertiary",
    )


def _fork(record: RunRecord, changes: Mapping[str, Any]) -> None:
    saved = _newest_first(state.catalog().checkpoints(record.id))
    if not saved:
        st.markdown("There is no checkpoint yet. The first comes after an epoch, or when you save one.")
        return
    st.markdown("Start a new run from a checkpoint of this one; its steps are counted on from there.")
    keep_shown(f"fork.at.{record.id}", saved)
    chosen = st.selectbox("Checkpoint", saved, format_func=checkpoint_words, key=f"fork.at.{record.id}")
    if changes:
        st.markdown(f"With: {', '.join(f'`{key} = {value}`' for key, value in changes.items())}")
    also_stop = record.state in ACTIVE and st.checkbox(
        "Stop this run first", value=True, key=f"fork.stop.{record.id}",
        help="Otherwise the new run waits until the device is free.",
    )  # fmt: skip
    if st.button("Fork", type="primary", key=f"fork.now.{record.id}"):
        child = fork(state.home(), record.id, changes, at=chosen.step)
        if also_stop:
            control.stop(state.home(), record.id, wait_s=_PATIENCE_S)
        answered(f"fork.{record.id}")
        go(LIVE, child.id)


def checkpoint_words(one: CheckpointRecord) -> str:
    """``"step 130 (best), validation Top-1 4.2 %"``."""
    words = f"step {theme.format_count(one.step)} ({one.kind})"
    top1 = one.scalars.get("val_top1")
    return words if top1 is None else f"{words}, validation Top-1 {theme.format_percent(top1)}"


def origin_line(record: RunRecord) -> None:
    """Where a fork comes from; nothing for a run that started from the beginning."""
    origin = Origin.of(record)
    if origin is None:
        return
    with st.container(key="origin", horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f":material/fork_right: Fork of **{escape(origin.name)}** at step {theme.format_count(origin.step)}"
        )
        if st.button("Open it", type="tertiary", key=f"origin.{record.id}"):
            go(LIVE, origin.parent)


def _newest_first(saved: list[CheckpointRecord]) -> list[CheckpointRecord]:
    return sorted(saved, key=lambda one: (one.step, one.id), reverse=True)
