"""Where the browser fetches the chart's scripts: this package and the plotly wheel, never another machine.

Files of a components-v2 component can only be served when the app is an installed package. Directories
declared through components v1 are served from any checkout and any entry script, so the two directories are
declared there; nothing is ever mounted from them.
"""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import streamlit as st
from streamlit import runtime
from streamlit.components.v1 import declare_component

_FRONTEND_DIR: Final = Path(__file__).parent / "frontend"

# Runtimes that already serve the files: one per server, and a fresh one for every AppTest.
_serving: "WeakSet[Any]" = WeakSet()


@dataclass(frozen=True)
class AssetUrls:
    """Addresses below the server's root."""

    module: str
    plotly: str


def asset_urls() -> AssetUrls:
    """Make sure that the running server serves the scripts, and say where."""
    frontend, plotly = _component_names()
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    root = f"/{base}/component" if base else "/component"
    return AssetUrls(
        module=f"{root}/{frontend}/live_chart.js",
        plotly=f"{root}/{plotly}/plotly.min.js?v={_plotly_version()}",
    )


def plotly_directory() -> Path:
    """The directory of the installed plotly wheel that holds `plotly.min.js`.

    Raises
    ------
    FileNotFoundError
        If plotly is not installed, or without its script.
    """
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The package plotly is not installed: pip install -r requirements.txt")
    directory = Path(spec.origin).parent / "package_data"
    if not (directory / "plotly.min.js").is_file():
        raise FileNotFoundError(f"{directory} has no plotly.min.js: pip install --force-reinstall plotly")
    return directory


def _component_names() -> tuple[str, str]:
    if runtime.exists() and (instance := runtime.get_instance()) not in _serving:
        _declare()
        _serving.add(instance)
    return f"{__name__}.frontend", f"{__name__}.plotly"


def _declare() -> None:
    declare_component("frontend", path=_FRONTEND_DIR)
    declare_component("plotly", path=plotly_directory())


@cache
def _plotly_version() -> str:
    return version("plotly")
