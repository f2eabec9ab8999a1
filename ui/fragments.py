"""Parts of a page that are drawn again by themselves, for as long as the page they belong to is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, ParamSpec

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from ui.pace import PACE

_SHOWN: Final = "edgeft.page"
_RESTING: Final = "edgeft.resting"
_REST_S: Final = 5.0
_WAKE_S: Final = 0.2

P = ParamSpec("P")


@dataclass(frozen=True)
class _Resting:
    """A fragment that is drawn seldom until there is news: what it saw, and how to look again."""

    seen: Hashable
    news: Callable[[], Hashable]


def shows(page: StreamlitPage) -> None:
    """The page that the session shows from now on; app.py tells."""
    st.session_state[_SHOWN] = (_asked_for(), page)


def begin_page() -> None:
    """A page is drawn anew, and its fragments with it; the frame tells."""
    st.session_state[_RESTING] = {}


def fragment(
    draw: Callable[P, None], *, every_s: float | None, news: Callable[P, Hashable] | None = None
) -> Callable[P, None]:
    """``draw`` as a fragment that runs again every ``every_s`` seconds, never if None, more seldom on a busy server.

    A browser that does not know yet that another page is on its way may ask for a fragment of the one before, by a
    timer or a second click. Streamlit then takes the session back to that page without drawing it, and what comes
    next finds no place ("Bad delta path index", a blank page). So a fragment that is asked for on another page than
    the one that is shown brings that one back.

    Args:
        news: what the drawing depends on, cheap to find out. While it stays as it was the fragment rests, until
            :func:`wake_for_news` finds it changed. Streamlit has no fragment that runs and leaves everything in its
            place, so that one must not run which has nothing new to show.
    """

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        page_hash, page = st.session_state.get(_SHOWN, (None, None))
        if page is not None and page_hash != _asked_for():
            st.switch_page(page, query_params=st.query_params.to_dict())
        look = None if news is None else functools.partial(news, *args, **kwargs)
        seen = look() if look else None  # before drawing: what happens meanwhile is news
        draw(*args, **kwargs)
        if every_s is not None:
            _set_pace(every_s, None if look is None else _Resting(seen, look))

    return st.fragment(drawn, run_every=every_s)


def wake_for_news() -> None:
    """Let fragments that rest and have something new to show run at once; called by one that does not rest."""
    resting: dict[str, _Resting] = st.session_state.get(_RESTING, {})
    for own_id, one in list(resting.items()):
        if one.news() != one.seen:
            del resting[own_id]
            _set_timer(own_id, _WAKE_S)


def _set_pace(every_s: float, rests: _Resting | None) -> None:
    """When the fragment that is just drawn runs next. The browser ignores what it does already."""
    own_id = _own_id()
    if own_id is None:
        return
    if rests is not None:
        st.session_state.setdefault(_RESTING, {})[own_id] = rests
    _set_timer(own_id, max(every_s, _REST_S) if rests else PACE.stretched(every_s))


def _set_timer(fragment_id: str, every_s: float) -> None:
    """What Streamlit itself sends where a fragment is defined; a later message replaces the timer."""
    context = get_script_run_ctx()
    if context is not None:
        message = ForwardMsg()
        message.auto_rerun.interval = every_s
        message.auto_rerun.fragment_id = fragment_id
        context.enqueue(message)


def _own_id() -> str | None:
    """Of the fragment that is running; None outside of any."""
    return None if get_script_run_ctx() is None else ThreadState.get().fragment_id


def _asked_for() -> str | None:
    """The page that the browser believes to be on."""
    context = get_script_run_ctx()
    return None if context is None else context.page_script_hash
