"""The whole app in a real browser: launch a run, watch it, move it, stop it, look at faces, compare, tidy up."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Locator, Page, expect

from edgeft_core import jobs, queries
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.kept import read_findings
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ENDED, RunState
from edgeft_core.presets import smoke
from edgeft_core.settings import Home
from edgeft_core.store.contract import CheckpointRecord, CommandRecord, RunRecord
from tests.waiting import insist, wait_until
from ui.fork import checkpoint_words
from ui.live.rewind import one_per_step

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("patience")]

# A training step, a worker's start and a chart's first drawing are slow where many tests share a machine.
PATIENCE_MS = 60_000
CHECK_MS = 180_000  # a check before training loads torch


def long_run(**changes: Any) -> RunConfig:
    """A small run that goes on until somebody stops it."""
    return with_values(
        smoke(),
        {
            "backbone.weights": "none",
            "threads": 1,
            "data.images_per_identity": 30,  # more steps than a test module lasts
            "stages.0.epochs": 10_000,
            "stages.0.patience_epochs": 10_000,
            "monitor.validate_every_epochs": 50,
            **changes,
        },
    )


@pytest.fixture(scope="module")
def record(home: Home) -> RunRecord:
    """One run that goes on and on; the tests that share it leave it running, but the last."""
    record = jobs.launch(home, long_run(), name="goes on")
    wait_until(lambda: queries.run_status(home, record.id).step > 20, f"{record.name} trains", 120)
    return queries.catalog_of(home).run(record.id)


def stopped(home: Home, record: RunRecord) -> None:
    if queries.catalog_of(home).run(record.id).state not in ENDED:
        control.stop(home, record.id)
    ended(home, record)


def ended(home: Home, record: RunRecord) -> None:
    wait_until(lambda: queries.catalog_of(home).run(record.id).state in ENDED, f"{record.name} ends", 120)


def chart(page: Page, name: str) -> Any:
    """The plot of a chart that has something to show."""
    plot = page.locator(f".st-key-chart_{name} .edgeft-chart-plot")
    plot.wait_for(state="attached")
    return plot


def points(page: Page, name: str) -> int:
    return int(chart(page, name).evaluate("n => n._fullData?.[0]?.x?.length ?? 0"))


def move(page: Page, label: str, key: str = "ArrowRight") -> None:
    """One stop of a slider, by keyboard."""
    knob = page.get_by_role("slider", name=re.compile(f"^{re.escape(label)}"))
    knob.focus()
    knob.press(key)


def test_an_empty_home_opens_on_the_launch_page_and_every_page_says_what_to_do(
    page: Page, address: str
) -> None:
    page.goto(address)
    expect(page).to_have_url(re.compile("/launch$"))
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    for path, sentence in (
        ("live", "No run yet"),
        ("diagnosis", "Nothing to diagnose yet"),
        ("samples", "No samples yet"),
        ("runs", "No runs yet"),
    ):
        page.goto(f"{address}/{path}")
        expect(page.get_by_text(re.compile(sentence))).to_be_visible()  # a pattern minds capitals
        expect(page.get_by_role("button", name="Launch a run")).to_be_visible()


def test_the_form_launches_a_run_and_live_shows_its_points(page: Page, address: str, home: Home) -> None:
    page.goto(f"{address}/launch")
    page.get_by_role("combobox", name="Preset").click()
    page.get_by_role("option", name="smoke", exact=True).click()
    expect(page.get_by_text("40 identities, 240 images, 6 of each")).to_be_visible()
    page.get_by_label("Name of the run").fill("by the form")
    page.get_by_label("Name of the run").press("Tab")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page).to_have_url(re.compile(r"/live\?run="), timeout=CHECK_MS)
    page.wait_for_function(
        "() => (document.querySelector('.st-key-chart_loss .edgeft-chart-plot')?._fullData?.[0]?.x?.length ?? 0) > 2"
    )
    expect(page.get_by_text("classes are predicted")).to_be_visible()
    record = queries.catalog_of(home).run("by the form")
    assert record.config.preset == "smoke"
    stopped(home, record)


def test_a_blocking_finding_asks_before_it_starts_and_its_fix_goes_into_the_form(
    page: Page, address: str, home: Home
) -> None:
    page.goto(f"{address}/launch")
    choose(page, "Preset", "smoke")
    expect(page.get_by_text("40 identities, 240 images, 6 of each")).to_be_visible()
    check = page.locator(".st-key-preflight")
    choose(page, "Normalisation", "none (0 to 255)")
    expect(check).to_contain_text("1 blocking", timeout=CHECK_MS)
    expect(check).to_contain_text("input.range")
    check.get_by_role("button", name="Use this").click()
    expect(page.get_by_role("combobox", name="Normalisation")).to_have_value("-1 to 1")
    expect(check).not_to_contain_text("blocking", timeout=CHECK_MS)
    choose(page, "Normalisation", "none (0 to 255)")
    expect(check).to_contain_text("1 blocking", timeout=CHECK_MS)
    before = len(queries.catalog_of(home).runs())
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("input.range")
    page.get_by_role("button", name="Back to the form").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(queries.catalog_of(home).runs()) == before
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Start anyway").click()
    expect(page).to_have_url(re.compile(r"/live\?run="))
    (run, *_) = queries.catalog_of(home).runs()
    if queries.catalog_of(home).run(run.id).state not in ENDED:
        control.stop(home, run.id)
    assert [one.cause for one in read_findings(home.run_folder(run.id)) if one.level == "blocking"] == [
        "input.range"
    ]


def choose(page: Page, label: str, option: str) -> None:
    """An option of a select box; its list closes when the page is drawn anew just then."""
    box = page.get_by_role("combobox", name=label)

    def pick() -> None:
        with suppress(BrowserError):
            box.click(timeout=5_000)
            page.get_by_role("option", name=option, exact=True).click(timeout=5_000)

    insist(pick, lambda: box.input_value() == option, f"{label} is {option}", timeout_s=120)


def test_a_slider_moves_the_running_job_and_leaves_a_marker(
    page: Page, address: str, home: Home, record: RunRecord
) -> None:
    page.goto(f"{address}/live?run={record.id}")
    chart(page, "loss")
    move(page, "Temperature T")
    wait_until(
        lambda: control.applied_values(queries.catalog_of(home), record.id), "the change is in force", 30
    )
    values = control.applied_values(queries.catalog_of(home), record.id)
    assert values["head.temperature"] == pytest.approx(1.2)
    expect(page.locator(".st-key-side")).to_contain_text(re.compile(r"T 1 \u2192 1.2"))
    page.wait_for_function(
        "() => (document.querySelector('.st-key-chart_loss .edgeft-chart-plot')?.layout?.annotations ?? [])"
        ".some(one => one.text.includes('T 1'))"
    )
    page.get_by_role("button", name="Undo").click()
    wait_until(
        lambda: control.applied_values(queries.catalog_of(home), record.id)["head.temperature"] == 1.0,
        "the change is taken back",
        30,
    )
    expect(page.get_by_role("slider", name=re.compile("^Temperature T"))).to_have_attribute(
        "aria-valuetext", "1"
    )


def test_changes_can_be_collected_and_take_effect_in_one_step(
    page: Page, address: str, home: Home, record: RunRecord
) -> None:
    page.goto(f"{address}/live?run={record.id}")
    page.get_by_text("Collect changes").click()
    expect(page.get_by_role("button", name="Apply together")).to_be_visible()
    move(page, "Temperature T")
    expect(page.get_by_text("1 \u2192 1.2, not sent")).to_be_visible()
    move(page, "Margin m")
    expect(page.get_by_text("not sent")).to_have_count(2)
    before = len(queries.catalog_of(home).commands(record.id))
    page.get_by_role("button", name="Apply together").click()
    wait_until(lambda: len(queries.catalog_of(home).commands(record.id)) > before, "sent", 30)
    (command,) = queries.catalog_of(home).commands(record.id)[before:]
    assert set(command.changes) == {"head.temperature", "head.margin_rad"}
    wait_until(lambda: queries.catalog_of(home).command(command.id).outcome == "applied", "both in force", 30)
    page.get_by_text("Collect changes").click()


def newest_first(home: Home, run_id: str) -> list[CheckpointRecord]:
    saved = queries.catalog_of(home).checkpoints(run_id)
    return sorted(saved, key=lambda one: (one.step, one.id), reverse=True)


def test_a_gradual_change_is_taken_back_by_going_back_to_a_checkpoint(
    page: Page, address: str, home: Home, record: RunRecord
) -> None:
    def commands(kind: str) -> list[CommandRecord]:
        found = queries.catalog_of(home).commands(record.id)
        return [one for one in found if one.kind == kind and one.outcome == "applied"]

    before = len(commands("set"))
    page.goto(f"{address}/live?run={record.id}")
    over = page.get_by_role("spinbutton", name="Change over (steps)")
    over.fill("100000")
    over.press("Enter")
    expect(over).to_have_value("100000")
    move(page, "Scale s")
    wait_until(lambda: len(commands("set")) > before, "the scale is on its way", 60)
    ramp = commands("set")[-1]
    assert (ramp.over_steps, set(ramp.changes)) == (100_000, {"head.scale"})
    expect(page.locator(".st-key-side")).to_contain_text(re.compile("over 100000 steps"))
    expect(page.get_by_text(re.compile(r"now \d.* at step")).first).to_be_visible()
    page.locator(".st-key-actions").get_by_role("button", name="fast_rewind").click()
    expect(page.get_by_text("What will be lost")).to_be_visible()
    assert ramp.step is not None
    (before_it,) = [one for one in one_per_step(newest_first(home, record.id)) if one.step == ramp.step - 1]
    choose(page, "Back to", checkpoint_words(before_it))
    rewound = len(commands("rewind"))
    page.get_by_role("button", name="Rewind", exact=True).click()
    wait_until(lambda: len(commands("rewind")) > rewound, "taken back", 60)
    back = commands("rewind")[-1]
    assert back.step is not None
    assert back.to_step is not None
    assert back.to_step == ramp.step - 1
    expect(page.locator(".st-key-side")).to_contain_text(f"rewind to step {back.to_step}")
    expect(page.get_by_role("slider", name=re.compile("^Scale s"))).to_have_attribute("aria-valuetext", "16")
    goal = back.to_step + 10
    wait_until(lambda: queries.run_status(home, record.id).step > goal, "it goes on", 60)


def test_zoom_survives_updates_and_moves_all_charts(
    page: Page, address: str, home: Home, record: RunRecord
) -> None:
    page.goto(f"{address}/live?run={record.id}")
    page.wait_for_function(
        "() => (document.querySelector('.st-key-chart_loss .edgeft-chart-plot')?._fullData?.[0]?.x?.length ?? 0) > 20"
    )
    box = chart(page, "loss").locator(".nsewdrag").first.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.2 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], y, steps=6)
    page.mouse.up()
    zoomed = page.wait_for_function(
        """() => { const at = n => document.querySelector(`.st-key-chart_${n} .edgeft-chart-plot`)?._fullLayout?.xaxis;
          const [a, b] = [at('loss'), at('top_k')];
          return a && b && a.range[0] > 1.5 && Math.abs(a.range[0] - b.range[0]) < 1e-6 ? a.range : null; }"""
    ).json_value()
    before = queries.run_status(home, record.id).step
    wait_until(lambda: queries.run_status(home, record.id).step > before + 30, "more steps", 60)
    page.wait_for_timeout(2500)
    after = chart(page, "loss").evaluate("n => n._fullLayout.xaxis.range")
    assert after == pytest.approx(zoomed)


def press(button: Locator) -> None:
    """Click a button if it is there."""
    if button.is_visible():
        button.click()


def test_pause_go_on_and_stop(page: Page, address: str, home: Home, record: RunRecord) -> None:

    def state() -> RunState:
        return queries.catalog_of(home).run(record.id).state

    page.goto(f"{address}/live?run={record.id}")
    actions = page.locator(".st-key-actions")
    pause = actions.get_by_role("button", name="pause")
    insist(lambda: press(pause), lambda: state() is RunState.PAUSED, "paused")
    expect(page.locator(".st-key-status")).to_contain_text("paused")
    go_on = actions.get_by_role("button", name="play_arrow")
    insist(lambda: press(go_on), lambda: state() is RunState.RUNNING, "running again")
    expect(page.locator(".st-key-status")).to_contain_text("running")
    actions.get_by_role("button", name="stop").click()
    page.get_by_role("button", name="Stop the run").click()
    wait_until(lambda: state() is RunState.STOPPED, "stopped", 60)
    expect(page.locator(".st-key-status")).to_contain_text("stopped")
    expect(page.get_by_text("Values for a restart")).to_be_visible()


def test_samples_show_faces_that_keys_and_clicks_choose(page: Page, address: str) -> None:
    page.goto(f"{address}/samples?run=by%20the%20form")
    page.get_by_role("radio", name="latest batch").click()
    faces = page.locator(".face")
    faces.first.wait_for()
    assert faces.locator("img").first.evaluate("n => n.naturalWidth") == 112
    faces.nth(2).click()
    expect(faces.nth(2)).to_have_attribute("aria-selected", "true")
    faces.nth(2).press("ArrowRight")
    expect(faces.nth(3)).to_have_attribute("aria-selected", "true")
    name = str(faces.nth(3).locator(".words").first.inner_text())
    expect(
        page.get_by_test_id("stMarkdown").filter(has_text="the truth").filter(has_text=name).first
    ).to_be_visible()
    page.get_by_role("radio", name="wrong", exact=True).click()
    expect(page.locator(".face[aria-label*=', right:']")).to_have_count(0)


def test_two_runs_are_compared_renamed_and_deleted(page: Page, address: str, home: Home) -> None:
    page.goto(f"{address}/runs")
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()
    choose_row(page, 0)
    choose_row(page, 1)
    expect(page.get_by_text("Settings that differ")).to_be_visible()
    choose_row(page, 1)
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("renamed here")
    page.get_by_label("New name").press("Enter")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Rename").click()
    wait_until(lambda: "renamed here" in [one.name for one in queries.catalog_of(home).runs()], "renamed", 30)
    page.reload()
    table.wait_for()
    choose_row(page, 0)
    before = len(queries.catalog_of(home).runs())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("What will be lost")).to_be_visible()
    page.get_by_role("button", name="Delete for good").click()
    wait_until(lambda: len(queries.catalog_of(home).runs()) == before - 1, "deleted", 30)


def choose_row(page: Page, row: int) -> None:
    """Tick a row of the table, or untick it; its cells are painted on a canvas, so it is found by place."""
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 34 + 33 * row + 16)
    page.wait_for_timeout(400)
