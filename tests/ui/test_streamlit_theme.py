"""`.streamlit/config.toml` says what the figures say, and keeps to this machine."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from streamlit import config

from ui.theme import streamlit_colours

PATH = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
SETTINGS = tomllib.loads(PATH.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("section", "dark"), [("light", False), ("dark", True)])
def test_the_theme_has_the_colours_of_the_figures(section: str, dark: bool) -> None:
    assert SETTINGS["theme"][section] == streamlit_colours(dark)


def test_only_this_machine_may_connect_and_nothing_is_reported() -> None:
    assert SETTINGS["server"]["address"] == "127.0.0.1"
    assert set(SETTINGS["server"]["allowedHosts"]) == {"127.0.0.1", "localhost"}
    assert SETTINGS["server"]["enableXsrfProtection"] is True
    assert SETTINGS["server"]["enableCORS"] is True
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["client"]["allowedOrigins"] == []


def test_every_line_is_explained() -> None:
    for line in PATH.read_text(encoding="utf-8").splitlines():
        assert "=" not in line or "  # " in line or line.startswith("#"), line


def test_streamlit_knows_every_option() -> None:
    known = set(config.get_config_options(force_reparse=False))
    for section, options in SETTINGS.items():
        for name, value in options.items():
            inner = value if isinstance(value, dict) else {None: value}
            for option in inner:
                assert ".".join(filter(None, (section, name, option))) in known
