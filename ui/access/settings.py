"""How the operator opens the app: one setting for the way to log in, which a server that others reach must have."""

from __future__ import annotations

import ipaddress
import os
from typing import Final, Literal

import streamlit as st

from edgeft_core.errors import AccessError

MODE_VARIABLE: Final = "EDGEFT_ACCESS"
Mode = Literal["local", "token", "oidc"]


def access_mode() -> Mode:
    """``local`` (nobody logs in), ``token`` or ``oidc``.

    Raises:
        AccessError: the setting is misspelt, or the server can be reached from elsewhere and nobody has to log in.
    """
    chosen = os.environ.get(MODE_VARIABLE, "").strip().lower() or "local"
    if chosen not in {"local", "token", "oidc"}:
        raise AccessError(f"{MODE_VARIABLE} is {chosen!r}; give token or oidc, or leave it out.")
    if chosen == "local" and (open_to := reachable_as()):
        raise AccessError(
            f"This server can be reached as {open_to}, not from this machine alone, so visitors must log in: start "
            f"it with {MODE_VARIABLE}=token (and EDGEFT_CONTROL_TOKEN) or {MODE_VARIABLE}=oidc. docs/security.md "
            "tells how."
        )
    return chosen  # type: ignore[return-value]


def reachable_as() -> str:
    """An address or name under which other machines reach this server; empty where only this one does."""
    address = str(st.get_option("server.address") or "0.0.0.0")  # noqa: S104 - Streamlit's default
    names = [str(name) for name in st.get_option("server.allowedHosts")] or ["*"]
    return next((one for one in (address, *names) if not is_loopback(one)), "")


def is_loopback(host: str) -> bool:
    """Whether only this machine can mean ``host``."""
    if host.strip().lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip().strip("[]")).is_loopback
    except ValueError:
        return False
