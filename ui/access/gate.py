"""The gate before every page: nobody needs it on this machine alone; whoever opens the app to a network does."""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from edgeft_core import access
from edgeft_core.access import Role, Visitor, data_roots
from edgeft_core.errors import AccessError
from edgeft_core.settings import CHECKPOINTS
from ui import state
from ui.access import oidc, settings, tokens
from ui.messages import empty_state, escape

_ROLE: Final = "edgeft.role"


def admit() -> None:
    """First call of every page: goes on for whoever may look, and asks everybody else to log in."""
    access.ask_visitor_of(visitor)
    try:
        mode = settings.access_mode()
    except AccessError as error:
        st.error(escape(str(error)), icon=":material/lock:")
        st.stop()
    if mode == "local" or visitor().role is not Role.NOBODY:
        return
    empty_state("Log in", "This EdgeFT is open to a network; its operator decides who comes in.", icon="lock")
    if mode == "oidc":
        oidc.ask()
    elif (role := tokens.ask()) is not None:
        st.session_state[_ROLE] = role
        st.rerun()
    st.stop()


def visitor() -> Visitor:
    """Whoever the running script works for; outside of any, nobody, or the operator where nobody logs in."""
    roots = data_roots([CHECKPOINTS, state.home_folder()])
    try:
        mode = settings.access_mode()
    except AccessError:
        return Visitor(Role.NOBODY, roots)
    if get_script_run_ctx(suppress_warning=True) is None:
        return access.OPERATOR if mode == "local" else Visitor(Role.NOBODY, roots)
    if mode == "local":  # whoever sits at this machine may read there what they may read anyway
        return Visitor(Role.CONTROL, roots if access.roots_are_named() else None)
    if mode == "oidc":
        return Visitor(oidc.role(), roots, oidc.name())
    return Visitor(st.session_state.get(_ROLE, Role.NOBODY), roots)
