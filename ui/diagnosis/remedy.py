"""What to change: settings with their old and new values, now or in a new run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import settings_of, value_of
from edgeft_core.diagnostics.causes import Cause, Fix
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.controls import format_value, label_of
from ui.messages import calmly, escape
from ui.navigation import LIVE, go

# A worker answers between two steps.
_PATIENCE_S: Final = 1.0


def remedy(record: RunRecord, config: RunConfig, cause: Cause) -> None:
    """The fix in words, the settings it changes, and buttons that change them.

    Args:
        config: the settings in force.
    """
    fix = cause.fix
    st.markdown(f"**What to do.** {escape(fix.text)}")
    if rows := change_rows(config, fix):
        st.table(rows, border="horizontal", hide_index=True)
    if fix.rewind:
        st.caption("From a checkpoint before the trouble: what has collapsed does not come back by itself.")
    with st.container(horizontal=True, gap="small"), calmly():
        if fix.live and record.state in ACTIVE:
            _change_now(record, cause)
        if fix.live or fix.restart:
            _new_run(record, cause)


def change_rows(config: RunConfig, fix: Fix) -> list[dict[str, str]]:
    """One row per setting that the fix changes."""
    return _rows(config, fix.live, "now, while it trains") + _rows(config, fix.restart, "in a new run")


def _rows(config: RunConfig, changes: Mapping[str, Any], when: str) -> list[dict[str, str]]:
    described = settings_of(config)
    rows = []
    for key, value in changes.items():
        one = described.get(key)
        if one is None:  # a stage that this run does not have
            continue
        before, after = format_value(one, value_of(config, key)), format_value(one, value)
        rows.append(
            {
                "Setting": f"{escape(label_of(one))} :gray[:small[{escape(key)}]]",
                "Change": f"{escape(before)} \u2192 **{escape(after)}**",
                "Takes effect": when,
            }
        )
    return rows


def _change_now(record: RunRecord, cause: Cause) -> None:
    if st.button("Change it now", icon=":material/tune:", key=f"remedy.now.{record.id}.{cause.id}"):
        done = control.set_values(state.home(), record.id, cause.fix.live, wait_s=_PATIENCE_S)
        if done.outcome == "applied":
            st.toast(f"In force from step {done.step} on.", icon=":material/check:")
        else:
            st.toast(done.reason or "Asked for; it takes effect at the run's next step.")


def _new_run(record: RunRecord, cause: Cause) -> None:
    with st.popover(
        "New run with this change", icon=":material/restart_alt:", key=f"remedy.new.{record.id}.{cause.id}"
    ):
        st.markdown("A new run from the first step, with this run's settings and the change above.")
        going = record.state in ACTIVE | {RunState.QUEUED}
        also_stop = going and st.checkbox(
            "Stop this run first",
            value=True,
            key=f"remedy.stop.{record.id}.{cause.id}",
            help="Otherwise the new run waits until the device is free.",
        )
        if st.button("Start it", type="primary", key=f"remedy.start.{record.id}.{cause.id}"):
            if also_stop:
                control.stop(state.home(), record.id, wait_s=_PATIENCE_S)
            fresh = control.restart(state.home(), record.id, {**cause.fix.restart, **cause.fix.live})
            go(LIVE, fresh.id)
