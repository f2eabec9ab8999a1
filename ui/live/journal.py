"""What was asked of the run and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from edgeft_core import queries
from edgeft_core.figures import theme
from edgeft_core.settings import Home
from edgeft_core.store.contract import HistoryRecord
from ui.messages import escape, prose

_SHOWN: Final = 12
_JUST_NOW_S: Final = 20
_WHO: Final = {"user": "you"}
_WORDS: Final = {"pause": "pause", "resume": "go on", "stop": "stop", "checkpoint": "save a checkpoint"}


def journal(home: Home, run_id: str) -> None:
    """The latest commands and what the autopilot did, newest first."""
    entries = latest(queries.journal(home, run_id), queries.autopilot_story(home, run_id))
    st.markdown("**Journal**")
    if not entries:
        st.caption("Changes that you make appear here, with the step at which they took effect.")
        return
    st.caption("  \n".join(entries[:_SHOWN]))
    if len(entries) > _SHOWN:
        st.caption(f"showing {_SHOWN} of {theme.format_count(len(entries))}")


def latest(table: pd.DataFrame, story: Sequence[HistoryRecord]) -> list[str]:
    """Both as lines of Streamlit markdown, newest first."""
    dated = [(row["requested_at"], entry(row)) for row in table.to_dict("records")]
    dated += [(one.at, act(one)) for one in story]
    return [line for _, line in sorted(dated, key=lambda one: one[0], reverse=True)]


def act(record: HistoryRecord) -> str:
    """One line about the autopilot: what it did or found, and why."""
    when = f"step {theme.format_count(record.step)} \u00b7 " if record.step else ""
    asked = f" :gray[\u00b7 autopilot, {_ago(record.at)}]"
    return f":blue[\u25c6] {when}{prose(record.text)}{asked}"


def entry(row: dict[Any, Any]) -> str:
    """One line of Streamlit markdown: what, whether, when, by whom, why not.

    Args:
        row: of ``queries.journal``.
    """
    what = ("undo: " if row.get("undoes") else "") + escape(_WORDS.get(row["kind"], row["words"]))
    what += f" ({escape(row['mark'])})" if row.get("mark") else ""
    asked = f" :gray[\u00b7 {escape(_WHO.get(row['requested_by'], row['requested_by']))}, {_ago(row['requested_at'])}]"
    if row["outcome"] == "pending":
        return f":orange[\u25cb] {what} \u00b7 on its way{asked}"
    if row["outcome"] == "applied":
        return f":green[\u2713] step {theme.format_count(int(row['step'] or 0))} \u00b7 {what}{asked}"
    return f":red[\u2715] {what} \u00b7 refused: {escape(row['reason'])}{asked}"


def _ago(moment: datetime) -> str:
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < _JUST_NOW_S:
        return "just now"
    return f"{theme.format_duration(seconds)} ago"
