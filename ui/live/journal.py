"""What was asked of the run and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.figures import theme
from edgeft_core.settings import Home
from ui.messages import escape

_SHOWN: Final = 12
_JUST_NOW_S: Final = 20
_WHO: Final = {"user": "you"}
_WORDS: Final = {"pause": "pause", "resume": "go on", "stop": "stop", "checkpoint": "save a checkpoint"}


def journal(home: Home, run_id: str) -> None:
    """The latest commands, newest first."""
    table = queries.journal(home, run_id)
    st.markdown("**Journal**")
    if table.empty:
        st.caption("Changes that you make appear here, with the step at which they took effect.")
        return
    st.caption("  \n".join(entry(row) for row in table.head(_SHOWN).to_dict("records")))
    if len(table) > _SHOWN:
        st.caption(f"showing {_SHOWN} of {theme.format_count(len(table))}")


def entry(row: dict[Any, Any]) -> str:
    """One line of Streamlit markdown: what, whether, when, by whom, why not.

    Args:
        row: of ``queries.journal``.
    """
    what = ("undo: " if row.get("undoes") else "") + escape(_WORDS.get(row["kind"], row["words"]))
    what += f" ({escape(row['mark'])})" if row.get("mark") else ""
    asked = f" :gray[\u00b7 {escape(_WHO.get(row['requested_by'], row['requested_by']))}, {_ago(row)}]"
    if row["outcome"] == "pending":
        return f":orange[\u25cb] {what} \u00b7 on its way{asked}"
    if row["outcome"] == "applied":
        return f":green[\u2713] step {theme.format_count(int(row['step'] or 0))} \u00b7 {what}{asked}"
    return f":red[\u2715] {what} \u00b7 refused: {escape(row['reason'])}{asked}"


def _ago(row: dict[Any, Any]) -> str:
    seconds = (datetime.now(UTC) - row["requested_at"]).total_seconds()
    if seconds < _JUST_NOW_S:
        return "just now"
    return f"{theme.format_duration(seconds)} ago"
