"""The Sweep page in a real browser: start a sweep, see its map grow, scrub through it, click a cell, run its head."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from edgeft_core import queries
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from tests.recorded_sweep import record_sweep
from tests.waiting import insist, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 90_000
PATIENCE_S = 300.0
MAP = ".edgeft-chart-plot.js-plotly-plot"


def drawn(page: Page) -> list[list[float]]:
    """The colours of the map's cells."""
    page.wait_for_selector(MAP)
    page.wait_for_function(f"document.querySelector('{MAP}')?._fullData?.[0]?.type === 'heatmap'")
    cells: list[list[float]] = page.eval_on_selector(
        MAP, "n => n._fullData[0].z.map((row) => Array.from(row))"
    )
    return cells


def click_cell(page: Page, x: int, y: int) -> None:
    """Click the middle of a cell, having pointed at it first, as a hand does."""
    place = page.eval_on_selector(
        MAP,
        """(n, [x, y]) => {
            const {xaxis, yaxis} = n._fullLayout, box = n.getBoundingClientRect();
            return [box.x + xaxis._offset + xaxis.l2p(x), box.y + yaxis._offset + yaxis.l2p(y)];
        }""",
        [x, y],
    )
    page.mouse.move(place[0] - 9, place[1] - 9)
    page.mouse.move(*place, steps=4)
    page.locator(f"{MAP} .hoverlayer .hovertext").first.wait_for(state="attached")
    page.mouse.click(*place)


def test_a_sweep_is_started_and_its_map_is_seen(page: Page, address: str, home: Home) -> None:
    page.goto(f"{address}/sweep")
    page.get_by_text("A new sweep").wait_for()
    page.get_by_label("Preset", exact=True).click()
    page.get_by_role("option", name="smoke", exact=True).click()
    page.get_by_text("Forty people").wait_for()
    page.get_by_role("button", name="Start the sweep").click()
    wait_until(lambda: len(queries.sweeps(home)) == 1, "the sweep is queued", PATIENCE_S)
    (run,) = queries.sweeps(home)
    page.get_by_text("sweep of 40 heads").wait_for()
    wait_until(
        lambda: queries.catalog_of(home).run(run.id).state is RunState.FINISHED,
        "the sweep is done",
        PATIENCE_S,
    )
    assert len(drawn(page)) == 5
    page.get_by_text("Where is the edge?").wait_for()


def test_the_map_is_scrubbed_clicked_and_its_head_goes_to_launch(
    page: Page, address: str, home: Home
) -> None:
    run = record_sweep(home, name="recorded")
    page.goto(f"{address}/sweep?run={run.id}")
    late = drawn(page)
    assert late[1][1] > 5 * late[1][2]  # s / T = 2 collapsed, s / T = 8 did not

    knob = page.get_by_role("slider", name=re.compile("^After step"))
    insist(
        lambda: knob.press("Home"),
        lambda: page.get_by_text("None of 12 heads collapsed").is_visible(),
        "the slider goes back to before the training",
    )
    wait_until(lambda: drawn(page)[1][1] < late[1][1] / 2, "the map shows the earlier step", 60)

    insist(
        lambda: click_cell(page, 1, 1),
        lambda: page.get_by_role("button", name="Start a run with these").is_visible(),
        "the cell is chosen",
    )
    page.get_by_text("all that matters of the two").wait_for()
    page.get_by_role("button", name="Start a run with these").click()
    expect(page.get_by_text(re.compile("The settings of head .* of the sweep recorded")).first).to_be_visible(
        timeout=PATIENCE_MS
    )
    assert "/launch" in page.url
