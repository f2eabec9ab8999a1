"""Charts in a real browser: what the user did to them survives every update."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, WebSocket, expect

from edgeft_core.figures.theme import Meaning, colour
from tests.browser.conftest import StartServer
from tests.waiting import insist

pytestmark = pytest.mark.browser

APP = Path(__file__).parent / "apps" / "live_chart_app.py"
UPDATES = "n => Number(n.dataset.draws)"


class Charts:
    """The page of `live_chart_app.py`."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def plot(self, key: str) -> Any:
        return self.page.locator(f'.edgeft-chart[data-key="{key}"] .edgeft-chart-plot')

    def evaluate(self, key: str, function: str) -> Any:
        return self.plot(key).evaluate(function)

    def x_range(self, key: str) -> list[float]:
        return [float(end) for end in self.evaluate(key, "n => n._fullLayout.xaxis.range")]

    def y_range(self, key: str) -> list[float]:
        return [float(end) for end in self.evaluate(key, "n => n._fullLayout.yaxis.range")]

    def last_x(self, key: str) -> float:
        return float(self.evaluate(key, "n => n._fullData[0].x.at(-1)"))

    def tick(self) -> None:
        """One more update from the server; returns when both line charts show it."""
        before = self.last_x("first")
        self.page.get_by_role("button", name="tick").click()
        for key in ("first", "second"):
            self.wait("(key, before) => plot(key)._fullData[0].x.at(-1) > before", key, before)

    def wait(self, condition: str, *arguments: Any) -> None:
        """Wait until a JavaScript condition holds; it may call `plot(key)`."""
        self.page.wait_for_function(
            f"""args => {{
              const plot = (key) => document.querySelector(`.edgeft-chart[data-key="${{key}}"] .edgeft-chart-plot`);
              return ({condition})(...args);
            }}""",
            arg=list(arguments),
        )

    def drag(self, key: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag over the plot, in shares of its width and height."""
        box = self.plot(key).locator(".nsewdrag").bounding_box()
        assert box
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        self.page.mouse.move(*points[1], steps=6)
        self.page.mouse.up()

    def zoom_x(self, key: str) -> list[float]:
        """Zoom into the middle of a chart along x and return the new range."""
        self.drag(key, (0.25, 0.5), (0.5, 0.5))
        self.wait("(key) => plot(key)._fullLayout.xaxis.range[0] > 1", key)
        return self.x_range(key)

    def double_click(self, key: str) -> None:
        box = self.plot(key).locator(".nsewdrag").bounding_box()
        assert box
        self.page.mouse.dblclick(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)

    def said(self, text: str) -> None:
        expect(self.page.get_by_text(text, exact=True)).to_be_visible()


@pytest.fixture
def charts(browser_page: Page, streamlit_server: StartServer) -> Iterator[Charts]:
    browser_page.goto(streamlit_server(APP))
    for key in ("first", "second", "alone"):
        browser_page.locator(f'[data-key="{key}"] .nsewdrag').wait_for()
    yield Charts(browser_page)


def test_an_update_keeps_the_node_and_adds_the_points(charts: Charts) -> None:
    charts.evaluate("first", "n => { n.mark = 1; n.querySelector('.main-svg').mark = 2; }")
    charts.tick()
    charts.tick()
    assert charts.evaluate("first", "n => [n.mark, n.querySelector('.main-svg').mark]") == [1, 2]
    assert charts.evaluate("first", "n => n._fullData.map((t) => t.x.length)") == [120, 120]


def test_values_arrive_as_sent_whether_whole_or_as_a_patch(charts: Charts) -> None:
    for _ in range(3):
        charts.tick()
    y = charts.evaluate("second", "n => Array.from(n._fullData[0].y)")
    assert len(y) == 130
    assert y[0] == pytest.approx(math.sin(1), abs=1e-6)
    assert y[129] == pytest.approx(math.sin(129 / 15 + 1), abs=1e-6)


def test_zoom_along_y_and_hidden_traces_survive_updates(charts: Charts) -> None:
    charts.drag("first", (0.5, 0.2), (0.5, 0.6))
    charts.wait("(key) => plot(key)._fullLayout.yaxis.autorange === false", "first")
    zoomed = charts.y_range("first")
    charts.plot("first").locator(".legendtoggle").nth(1).click()
    charts.wait("(key) => plot(key)._fullData[1].visible === 'legendonly'", "first")
    charts.tick()
    charts.tick()
    assert charts.y_range("first") == pytest.approx(zoomed)
    assert charts.evaluate("first", "n => n._fullData.map((t) => t.visible)") == [True, "legendonly"]


def test_a_group_moves_together_and_others_stay(charts: Charts) -> None:
    alone = charts.x_range("alone")
    zoomed = charts.zoom_x("first")
    charts.wait("(low) => Math.abs(plot('second')._fullLayout.xaxis.range[0] - low) < 1e-9", zoomed[0])
    assert charts.x_range("second") == zoomed
    assert charts.x_range("alone") == alone
    charts.tick()
    assert charts.x_range("first") == zoomed
    assert charts.x_range("second") == zoomed


def test_an_update_waits_until_a_drag_is_finished(charts: Charts) -> None:
    box = charts.plot("first").locator(".nsewdrag").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    charts.page.mouse.move(box["x"] + 0.3 * box["width"], middle)
    charts.page.mouse.down()
    charts.page.mouse.move(box["x"] + 0.5 * box["width"], middle, steps=5)
    draws = charts.evaluate("first", UPDATES)
    charts.page.get_by_role("button", name="tick").evaluate("button => button.click()")
    charts.wait("(before) => plot('second')._fullData[0].x.at(-1) > before", 99)
    assert charts.evaluate("first", UPDATES) == draws
    charts.page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=5)
    charts.page.mouse.up()
    charts.wait("() => plot('first')._fullData[0].x.at(-1) === 109")
    low, high = charts.x_range("first")
    assert (low, high) == pytest.approx((0.3 * 99, 0.6 * 99), abs=1)


def test_figures_of_several_rows_move_with_their_group(charts: Charts) -> None:
    zoomed = charts.zoom_x("first")
    for axis in ("xaxis", "xaxis2"):
        charts.wait(
            "(axis, low) => Math.abs(plot('rows')._fullLayout[axis].range[0] - low) < 1e-9", axis, zoomed[0]
        )
    charts.double_click("first")
    for axis in ("xaxis", "xaxis2"):
        charts.wait("(axis) => plot('rows')._fullLayout[axis].range[1] > 90", axis)


def test_charts_do_not_fade_while_a_slow_page_runs(charts: Charts) -> None:
    charts.page.get_by_text("slow").click()
    stale = charts.page.locator('[data-stale="true"]:has([data-key="first"])')
    expect(stale).to_be_attached()
    charts.page.wait_for_timeout(600)
    assert stale.evaluate("n => getComputedStyle(n).opacity") == "1"


def test_double_click_on_any_chart_resets_the_whole_group(charts: Charts) -> None:
    charts.zoom_x("first")
    charts.drag("first", (0.5, 0.2), (0.5, 0.6))
    insist(
        lambda: charts.double_click("second"),
        lambda: all(charts.x_range(key)[1] > 90 for key in ("first", "second")),
        "both charts show everything again",
    )
    assert charts.evaluate("first", "n => n._fullLayout.yaxis.autorange") is True
    charts.tick()
    assert charts.x_range("first")[1] == pytest.approx(109)


def test_the_server_learns_the_range_once_and_then_is_left_alone(charts: Charts) -> None:
    zoomed = charts.zoom_x("second")
    charts.said(f"range={tuple(round(end, 3) for end in zoomed)}")
    charts.page.wait_for_timeout(400)
    draws = charts.evaluate("first", UPDATES)
    charts.page.wait_for_timeout(1000)
    assert charts.evaluate("first", UPDATES) == draws
    assert charts.x_range("second") == zoomed
    charts.double_click("first")
    charts.said("range=None")
    charts.zoom_x("second")
    charts.page.wait_for_timeout(100)
    expect(charts.page.get_by_text(re.compile(r"range=\("))).to_be_visible()


def test_another_unit_of_x_starts_unzoomed_and_coming_back_finds_the_zoom(charts: Charts) -> None:
    zoomed = charts.zoom_x("first")
    charts.said(f"range={tuple(round(end, 3) for end in zoomed)}")
    charts.page.get_by_text("seconds", exact=True).click()
    charts.wait(
        "() => plot('first')._fullLayout.xaxis.range[1] > 49 && plot('first')._fullLayout.xaxis.range[1] < 51"
    )
    charts.page.get_by_text("steps", exact=True).click()
    charts.wait("(low) => Math.abs(plot('second')._fullLayout.xaxis.range[0] - low) < 1e-9", zoomed[0])


def test_a_click_on_a_point_is_reported(charts: Charts) -> None:
    box = charts.plot("first").locator(".nsewdrag").bounding_box()
    assert box
    charts.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    charts.plot("first").locator(".hoverlayer .legend, .hoverlayer .hovertext").first.wait_for()
    charts.page.mouse.down()
    charts.page.mouse.up()
    expect(charts.page.get_by_text(re.compile(r"clicked=\([01], (49|50)\)"))).to_be_visible()


def test_hovering_draws_a_line_in_the_other_chart(charts: Charts) -> None:
    box = charts.plot("first").locator(".nsewdrag").bounding_box()
    assert box
    charts.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    line = charts.page.locator('[data-key="second"] .edgeft-chart-line')
    expect(line).to_be_visible()
    line_box = line.bounding_box()
    assert line_box
    assert line_box["x"] == pytest.approx(box["x"] + box["width"] / 2, abs=box["width"] / 90)
    charts.page.mouse.move(5, 5)
    expect(line).to_be_hidden()


def test_keys_zoom_move_and_reset(charts: Charts) -> None:
    charts.page.locator('[data-key="first"]').focus()
    charts.page.keyboard.press("+")
    charts.wait("() => plot('second')._fullLayout.xaxis.range[0] > 19")
    charts.page.keyboard.press("ArrowLeft")
    charts.wait("() => plot('second')._fullLayout.xaxis.range[0] < 10")
    charts.page.keyboard.press("Home")
    charts.wait("() => plot('second')._fullLayout.xaxis.range[1] === 99")


def test_the_theme_switches_live_without_asking_the_server(charts: Charts) -> None:
    def stroke() -> str:
        return str(charts.evaluate("first", "n => n._fullData[0].line.color"))

    assert stroke() == colour(Meaning.TRAINING, dark=False)
    charts.page.emulate_media(color_scheme="dark")
    charts.wait(
        "(dark) => plot('first')._fullData[0].line.color === dark", colour(Meaning.TRAINING, dark=True)
    )
    assert charts.evaluate("first", "n => n._fullLayout.font.color") == colour(Meaning.TEXT, dark=True)
    assert charts.evaluate("first", "n => n._fullLayout.paper_bgcolor") == "rgba(0, 0, 0, 0)"
    charts.tick()
    assert stroke() == colour(Meaning.TRAINING, dark=True)
    charts.page.emulate_media(color_scheme="light")
    charts.wait(
        "(light) => plot('first')._fullData[0].line.color === light", colour(Meaning.TRAINING, dark=False)
    )


def test_a_chart_without_points_says_what_it_waits_for(charts: Charts) -> None:
    charts.said("Waiting for the first batch ...")
    waiting = charts.page.locator('[data-key="waiting"]')
    expect(waiting).to_have_attribute("aria-label", "waiting. Waiting for the first batch ...")


def test_a_chart_is_an_image_with_a_name_that_takes_focus(charts: Charts) -> None:
    chart = charts.page.get_by_role("img", name="A wave")
    chart.focus()
    expect(chart).to_be_focused()
    assert charts.page.get_by_role("img", name="Second").count() == 1
    assert chart.evaluate("n => n.clientHeight") == 240


def test_charts_taken_away_and_brought_back_show_the_figure_and_the_zoom(charts: Charts) -> None:
    charts.tick()
    zoomed = charts.zoom_x("first")
    charts.said(f"range={tuple(round(end, 3) for end in zoomed)}")
    toggle = charts.page.get_by_text("show charts")
    toggle.click()
    expect(charts.page.locator(".edgeft-chart")).to_have_count(0)
    toggle.click()
    charts.page.locator('[data-key="first"] .nsewdrag').wait_for()
    assert charts.last_x("first") == 109
    assert charts.x_range("first") == zoomed


def test_a_browser_that_lost_the_figure_gets_all_of_it_again(
    browser_page: Page, streamlit_server: StartServer
) -> None:
    def forget_the_first(route: Route) -> None:
        code = route.fetch().text()
        token = 'token: window.lostOne ? message.token : ((window.lostOne = true), "lost"),'
        for old, new in (("token: message.token,", token), ("keyframes.set(message.token, keyframe);", "")):
            assert old in code
            code = code.replace(old, new)
        route.fulfill(content_type="text/javascript", body=code)

    browser_page.route("**/figure.js", forget_the_first)
    browser_page.goto(streamlit_server(APP))
    charts = Charts(browser_page)
    for key in ("first", "second"):
        browser_page.locator(f'[data-key="{key}"] .nsewdrag').wait_for()
    charts.tick()
    assert browser_page.evaluate("window.lostOne") is True
    assert charts.last_x("first") == 109
    charts.tick()
    assert charts.last_x("first") == 119


def test_scripts_are_fetched_once_and_only_from_this_server(
    browser_page: Page, streamlit_server: StartServer
) -> None:
    addresses: list[str] = []
    browser_page.on("request", lambda request: addresses.append(request.url))
    url = streamlit_server(APP)
    browser_page.goto(url)
    charts = Charts(browser_page)
    charts.page.locator('[data-key="second"] .nsewdrag').wait_for()
    charts.tick()
    assert sum("plotly.min.js" in address for address in addresses) == 1
    assert sum("live_chart.js" in address for address in addresses) == 1
    assert not [address for address in addresses if not address.startswith((url, "blob:", "data:"))]


def test_an_update_travels_as_a_small_patch(browser_page: Page, streamlit_server: StartServer) -> None:
    sizes: list[int] = []

    def on_socket(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: sizes.append(len(frame)))

    browser_page.on("websocket", on_socket)
    browser_page.goto(streamlit_server(APP))
    charts = Charts(browser_page)
    charts.page.locator('[data-key="alone"] .nsewdrag').wait_for()
    whole = max(sizes)
    charts.tick()
    sizes.clear()
    charts.tick()
    assert max(sizes) < 0.5 * whole, json.dumps([whole, sizes])
