"""Where the browser fetches the lab's scripts; see ``ui.live_chart.assets`` for why this way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import streamlit as st
from streamlit import runtime
from streamlit.components.v1 import declare_component

from ui.live_chart.assets import asset_urls

FRONTEND: Final = Path(__file__).parent / "frontend"
_serving: WeakSet[Any] = WeakSet()


def module_url() -> str:
    """The lab's module below the server's root. It imports the live chart's theme from beside it."""
    asset_urls()
    if runtime.exists() and (instance := runtime.get_instance()) not in _serving:
        declare_component("frontend", path=FRONTEND)
        _serving.add(instance)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{f'/{base}' if base else ''}/component/{__name__}.frontend/lab.js"
