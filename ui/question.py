"""Questions behind a button: worked out when they are opened, so that what they say is so then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from edgeft_core.store.contract import RunRecord
from ui import state
from ui.fragments import fragment
from ui.messages import calmly


def question(
    draw: Callable[[RunRecord], None],
    run_id: str,
    *,
    key: str,
    icon: str,
    label: str = "",
    help: str | None = None,  # noqa: A002
    type: Literal["secondary", "tertiary"] = "tertiary",  # noqa: A002
) -> None:
    """A popover about a run.

    The page around it may be minutes old: ``draw`` is called when it opens, and at every click inside, with the run
    as it is by then.
    """

    def drawn() -> None:
        look = f"{key}.{st.session_state.get(_times(key), 0)}"
        with st.popover(label, icon=icon, help=help, type=type, key=look, on_change="rerun") as box, calmly():
            if box.open:
                draw(state.catalog().run(run_id))

    with st.container(width="content"):  # a fragment alone would take a whole row
        fragment(drawn, every_s=None)()


def keep_shown(key: str, options: Sequence[object]) -> None:
    """Let a select box that nobody touched stay at what it was opened with: something newer may come before a click."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]


def answered(key: str) -> None:
    """Close it: a popover under another key is a new one, which is closed."""
    st.session_state[_times(key)] = st.session_state.get(_times(key), 0) + 1


def _times(key: str) -> str:
    return f"{key}.answered"
