"""Fragments that a browser asks for when it does not know yet that another page is shown."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st

from ui import fragments
from ui.pace import PACE


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


class Timers:
    """Stands in for the browser: the timer of each fragment, as it was last told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.every_s: dict[str, float] = {}
        self.now = "panel"
        monkeypatch.setattr(fragments, "_own_id", lambda: self.now)
        monkeypatch.setattr(fragments, "_set_timer", lambda one, every_s: self.every_s.update({one: every_s}))


def test_a_fragment_slows_down_while_the_server_is_busy(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers(monkeypatch)
    monkeypatch.setattr(PACE, "factor", lambda: 2.5)
    draw_into(asked)()
    assert 2.0 < timers.every_s["panel"] < 3.0


def test_a_fragment_that_is_drawn_once_gets_no_timer(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers(monkeypatch)
    fragments.fragment(lambda: None, every_s=None, news=lambda: 1)()
    assert timers.every_s == {}


def test_a_fragment_without_news_rests_until_there_is_some(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    timers, world = Timers(monkeypatch), {"run": 1}
    drawn = fragments.fragment(lambda name: None, every_s=0.8, news=lambda name: world[name])
    fragments.begin_page()
    drawn("run")
    resting_s = timers.every_s["panel"]
    assert resting_s > 3
    fragments.wake_for_news()
    assert timers.every_s["panel"] == resting_s
    world["run"] = 2
    fragments.wake_for_news()
    assert timers.every_s["panel"] < 0.5
    drawn("run")
    assert timers.every_s["panel"] == resting_s


def test_what_happens_while_a_fragment_is_drawn_is_news(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    timers, world = Timers(monkeypatch), {"run": 1}

    def draw() -> None:
        world["run"] += 1

    fragments.begin_page()
    fragments.fragment(draw, every_s=0.8, news=lambda: world["run"])()
    fragments.wake_for_news()
    assert timers.every_s["panel"] < 0.5


def test_a_page_that_is_drawn_anew_forgets_the_fragments_of_the_one_before(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    timers, world = Timers(monkeypatch), {"run": 1}
    fragments.fragment(lambda: None, every_s=0.8, news=lambda: world["run"])()
    fragments.begin_page()
    world["run"], timers.every_s = 2, {}
    fragments.wake_for_news()
    assert timers.every_s == {}
