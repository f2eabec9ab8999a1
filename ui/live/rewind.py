"""Rewind: take the run back to one of its checkpoints, after saying what will be lost."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core.figures import theme
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ACTIVE, ENDED, RunState
from edgeft_core.store.contract import CheckpointRecord, RunRecord
from ui import state
from ui.fork import checkpoint_words
from ui.question import answered, keep_shown, question

_PATIENCE_S: Final = 1.0
_ABLE: Final = ACTIVE | ENDED - {RunState.FINISHED}


def rewind_popover(record: RunRecord) -> None:
    """Nothing for a run that waits or is finished."""
    if record.state in _ABLE:
        question(
            _rewind,
            record.id,
            key=f"rewind.{record.id}",
            icon=":material/fast_rewind:",
            help="Rewind: back to one of its checkpoints",
        )


def _rewind(record: RunRecord) -> None:
    saved = state.catalog().checkpoints(record.id)
    if not saved:
        st.markdown("There is no checkpoint yet. The first comes before the first step.")
        return
    newest_first = sorted(saved, key=lambda one: (one.step, one.id), reverse=True)
    options, key = one_per_step(newest_first), f"rewind.to.{record.id}"
    keep_shown(key, options)
    chosen = st.selectbox("Back to", options, format_func=checkpoint_words, key=key)
    st.markdown(lost_by(record, saved, chosen.step))
    if st.button("Rewind", type="primary", key=f"rewind.now.{record.id}"):
        control.rewind(state.home(), record.id, chosen.step, wait_s=_PATIENCE_S)
        answered(f"rewind.{record.id}")
        st.rerun()


def one_per_step(saved: list[CheckpointRecord]) -> list[CheckpointRecord]:
    """The first of each step: the others hold the same state."""
    return list({one.step: one for one in reversed(saved)}.values())[::-1]


def lost_by(record: RunRecord, saved: list[CheckpointRecord], step: int) -> str:
    """``"The run goes on from step 200. What will be lost: 143 recorded steps and 2 checkpoints (3 MB)."``"""
    steps = max(0, int(record.summary.get("step") or 0) - step)
    later = [one for one in saved if one.step > step]
    words = f"{theme.format_count(steps)} recorded steps"
    if later:
        words += f" and {len(later)} checkpoint{'s' if len(later) > 1 else ''}"
        own = sum(one.kind == "manual" for one in later)
        words += f", {own} of which you saved" if own else ""
    back = " Live changes since then are taken back."
    queued = " It goes back into the queue first." if record.state in ENDED else ""
    return f"The run goes on from step {theme.format_count(step)}. What will be lost: {words}.{back}{queued}"
