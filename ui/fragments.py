"""Parts of a page that are drawn again by themselves, for as long as the page they belong to is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, ParamSpec

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

_SHOWN: Final = "edgeft.page"

P = ParamSpec("P")


def shows(page: StreamlitPage) -> None:
    """The page that the session shows from now on; app.py tells."""
    st.session_state[_SHOWN] = (_asked_for(), page)


def fragment(draw: Callable[P, None], *, every_s: float | None) -> Callable[P, None]:
    """``draw`` as a fragment that runs again every ``every_s`` seconds, never if None.

    A browser that does not know yet that another page is on its way may ask for a fragment of the one before, by a
    timer or a second click. Streamlit then takes the session back to that page without drawing it, and what comes
    next finds no place ("Bad delta path index", a blank page). So a fragment that is asked for on another page than
    the one that is shown brings that one back.
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        page_hash, page = st.session_state.get(_SHOWN, (None, None))
        if page is not None and page_hash != _asked_for():
            st.switch_page(page, query_params=st.query_params.to_dict())
        draw(*args, **kwargs)

    return st.fragment(drawn, run_every=every_s)


def _asked_for() -> str | None:
    """The page that the browser believes to be on."""
    context = get_script_run_ctx()
    return None if context is None else context.page_script_hash
