"""A hidden tab asks seldom; a tab that comes back catches up at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import StartServer

pytestmark = pytest.mark.browser

APP = Path(__file__).parent / "apps" / "visibility_app.py"
# Headless browsers never hide a tab: say it in the browser's place.
SET_HIDDEN = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def runs(page: Page) -> int:
    return int(page.get_by_text("runs=").inner_text().removeprefix("runs="))


def test_a_hidden_tab_polls_less_and_a_shown_one_catches_up(
    browser_page: Page, streamlit_server: StartServer
) -> None:
    page = browser_page
    page.goto(streamlit_server(APP))
    expect(page.get_by_text("interval=0.3")).to_be_visible()
    before = runs(page)
    page.wait_for_function(f"() => +document.body.innerText.match(/runs=(\\d+)/)[1] > {before + 2}")
    page.evaluate(SET_HIDDEN, True)
    expect(page.get_by_text("interval=60")).to_be_visible()
    page.wait_for_timeout(500)
    hidden = runs(page)
    page.wait_for_timeout(1500)
    assert runs(page) == hidden
    page.evaluate(SET_HIDDEN, False)
    expect(page.get_by_text("interval=0.3")).to_be_visible()
    page.wait_for_function(f"() => +document.body.innerText.match(/runs=(\\d+)/)[1] > {hidden + 2}")


def test_a_glance_at_another_tab_changes_nothing(browser_page: Page, streamlit_server: StartServer) -> None:
    page = browser_page
    page.goto(streamlit_server(APP))
    expect(page.get_by_text("interval=0.3")).to_be_visible()
    page.evaluate(SET_HIDDEN, True)
    page.wait_for_timeout(500)
    page.evaluate(SET_HIDDEN, False)
    before = runs(page)
    page.wait_for_timeout(2500)
    expect(page.get_by_text("interval=0.3")).to_be_visible()
    assert runs(page) > before + 2


def test_it_takes_no_room_on_the_page(browser_page: Page, streamlit_server: StartServer) -> None:
    browser_page.goto(streamlit_server(APP))
    expect(browser_page.get_by_text("interval=0.3")).to_be_visible()
    component = browser_page.locator(".stBidiComponent")
    expect(component).to_be_attached()
    expect(component).to_be_hidden()
