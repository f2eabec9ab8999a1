"""What was asked of the run and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from edgeft_core.figures import theme
from edgeft_core.store.contract import CommandRecord
from ui.live.reading import change_words
from ui.messages import escape

_SHOWN: Final = 12
_WORDS: Final = {"pause": "pause", "resume": "resume", "stop": "stop", "checkpoint": "save a checkpoint"}


def journal(commands: Sequence[CommandRecord]) -> None:
    """The latest commands, newest first."""
    st.markdown("**Journal**")
    if not commands:
        st.caption("Changes that you make appear here, with the step at which they took effect.")
        return
    lines = [entry(command) for command in sorted(commands, key=lambda one: -one.id)[:_SHOWN]]
    st.caption("  \n".join(lines))
    if len(commands) > _SHOWN:
        st.caption(f"showing {_SHOWN} of {theme.format_count(len(commands))}")


def entry(command: CommandRecord) -> str:
    """One line of Streamlit markdown: what, whether, when, why not."""
    what = escape(change_words(command)) if command.kind == "set" else _WORDS[command.kind]
    if command.outcome == "pending":
        return f":orange[\u25cb] {what} \u00b7 on its way"
    step = f"step {theme.format_count(command.step)}" if command.step is not None else "before the first step"
    if command.outcome == "applied":
        return f":green[\u2713] {step} \u00b7 {what}"
    return f":red[\u2715] {what} \u00b7 refused: {escape(command.reason)}"
