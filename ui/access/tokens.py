"""Logging in with a shared token: one to look, one to control."""

from __future__ import annotations

import hmac
import os
import threading
import time
from pathlib import Path
from typing import Final

import streamlit as st

from edgeft_core.access import Role
from edgeft_core.errors import AccessError
from ui.messages import escape

VARIABLES: Final = {Role.CONTROL: "EDGEFT_CONTROL_TOKEN", Role.VIEW: "EDGEFT_VIEW_TOKEN"}
SHORTEST: Final = 16
_PAUSE_S: Final = 1.0

_one_at_a_time = threading.Lock()


def ask() -> Role | None:
    """The form; the role of whoever gave a right token."""
    try:
        known = configured()
    except AccessError as error:
        st.error(escape(str(error)), icon=":material/lock:")
        return None
    with st.form("login", border=False, width=360):
        given = st.text_input("Token", type="password", key="login.token", max_chars=512)
        pressed = st.form_submit_button("Log in", type="primary")
    if not pressed:
        return None
    role = role_of(given, known)
    if role is None:
        st.error("That token is not known here.", icon=":material/lock:")
    return role


def role_of(given: str, known: dict[Role, str]) -> Role | None:
    """The role that a token opens; a wrong one costs a second, and guesses wait for each other.

    The comparison takes as long for a token that is wrong at its end as for one that is wrong at its beginning.
    """
    right = [
        role
        for role, token in known.items()
        if hmac.compare_digest(given.encode("utf-8"), token.encode("utf-8"))
    ]
    if right:
        return right[0]
    with _one_at_a_time:
        time.sleep(_PAUSE_S)
    return None


def configured() -> dict[Role, str]:
    """The operator's tokens: from the variable, or from the file that ``..._FILE`` names.

    Raises:
        AccessError: there is none, one is too short to be safe, or both are the same.
    """
    found = {role: token for role, name in VARIABLES.items() if (token := _read(name))}
    if Role.CONTROL not in found and Role.VIEW not in found:
        raise AccessError(
            f"Nobody can log in: no token is set. Start the server with {VARIABLES[Role.CONTROL]} (or "
            f"{VARIABLES[Role.CONTROL]}_FILE), such as one made by: "
            "python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    for role, token in found.items():
        if len(token) < SHORTEST:
            raise AccessError(f"{VARIABLES[role]} is shorter than {SHORTEST} letters and could be guessed.")
    if len(set(found.values())) < len(found):
        raise AccessError("The tokens to look and to control are the same; give two.")
    return found


def _read(name: str) -> str:
    if token := os.environ.get(name, "").strip():
        return token
    file = os.environ.get(f"{name}_FILE", "").strip()
    if not file:
        return ""
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise AccessError(f"{name}_FILE cannot be read ({error.strerror or error}).") from error
