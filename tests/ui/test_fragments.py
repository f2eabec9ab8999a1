"""Fragments that a browser asks for when it does not know yet that another page is shown."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st

from ui import fragments


class SwitchedError(Exception):
    """What Streamlit does when it goes to another page: nothing after it runs."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The page that the browser asks for, and where the session was sent."""
    told: dict[str, Any] = {"hash": "live", "drawn": 0, "sent to": None}

    def go(page: object, **_: object) -> None:
        told["sent to"] = page
        raise SwitchedError

    monkeypatch.setattr(st, "fragment", lambda draw, run_every: draw)
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(st, "switch_page", go)
    monkeypatch.setattr(fragments, "_asked_for", lambda: told["hash"])
    return told


def draw_into(asked: dict[str, Any]) -> Any:
    def draw() -> None:
        asked["drawn"] += 1

    return fragments.fragment(draw, every_s=1.0)


def test_a_fragment_of_the_page_that_is_shown_is_drawn(asked: dict[str, Any]) -> None:
    fragments.shows("the live page")  # type: ignore[arg-type]
    draw_into(asked)()
    assert (asked["drawn"], asked["sent to"]) == (1, None)


def test_a_fragment_asked_for_by_a_browser_that_lags_behind_brings_the_shown_page_back(
    asked: dict[str, Any],
) -> None:
    fragments.shows("the live page")  # type: ignore[arg-type]
    drawn = draw_into(asked)
    asked["hash"] = "diagnosis"
    fragments.shows("the diagnosis page")  # type: ignore[arg-type]
    asked["hash"] = "live"
    with pytest.raises(SwitchedError):
        drawn()
    assert (asked["drawn"], asked["sent to"]) == (0, "the diagnosis page")


def test_a_page_that_was_started_alone_draws_its_fragments(asked: dict[str, Any]) -> None:
    draw_into(asked)()
    assert asked["drawn"] == 1
