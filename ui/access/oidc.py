"""Logging in with an OpenID Connect provider, through Streamlit; the operator lists who may do what."""

from __future__ import annotations

import os
from typing import Final

import streamlit as st

from edgeft_core.access import Role
from ui.messages import escape

CONTROLLERS: Final = "EDGEFT_CONTROLLERS"
VIEWERS: Final = "EDGEFT_VIEWERS"


def ask() -> None:
    """The button that leads to the provider; a sentence for whoever is logged in but not on a list."""
    if is_logged_in():
        st.error(_why_not(), icon=":material/lock:")
        st.button("Log out", on_click=st.logout)
    elif "auth" not in st.secrets:
        st.error(
            "No provider is set up: name it in .streamlit/secrets.toml, section [auth]; docs/security.md tells how.",
            icon=":material/lock:",
        )
    else:
        st.button("Log in", type="primary", on_click=st.login)


def _why_not() -> str:
    """Why somebody who is logged in does not get in."""
    if visitor := name():
        return f"{escape(visitor)} is not on the operator's lists ({CONTROLLERS}, {VIEWERS})."
    return (
        "The provider tells no e-mail address of yours that it verified: verify it there, then log in again."
    )


def is_logged_in() -> bool:
    return bool(st.user.get("is_logged_in", False))


def name() -> str:
    """The verified e-mail address; empty for an address that the provider did not verify."""
    if not is_logged_in() or st.user.get("email_verified", True) is False:
        return ""
    return str(st.user.get("email") or "").strip().lower()


def role() -> Role:
    """What the visitor may do; nobody who is not on a list gets in."""
    visitor = name()
    if visitor and visitor in _listed(CONTROLLERS):
        return Role.CONTROL
    if visitor and visitor in _listed(VIEWERS):
        return Role.VIEW
    return Role.NOBODY


def _listed(variable: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in os.environ.get(variable, "").split(",") if part.strip())
