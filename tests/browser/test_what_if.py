"""The What-if lab in a real browser: what moves, what does not, and what becomes of the values."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from edgeft_core import jobs, queries
from edgeft_core.config import HeadConfig
from edgeft_core.labs.what_if.outcome import outcome
from edgeft_core.labs.what_if.sample import LabSample, lab_sample
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord
from tests.browser.test_app_story import long_run, stopped
from tests.recorded import recorded_run
from tests.waiting import insist, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def healthy(home: Home) -> RunRecord:
    return recorded_run(home, "healthy")


@pytest.fixture(scope="module")
def collapsed(home: Home) -> RunRecord:
    return recorded_run(home, "collapsed", collapsed=True)


class Lab:
    """The page, opened on a run."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def open(self, run: RunRecord) -> None:
        self.page.goto(f"{self.address}/what_if?run={run.id}")
        self.page.locator(".lab[data-draws]").wait_for()

    def value(self, reading: str) -> float:
        return float(self.page.locator(f'[data-reading="{reading}"]').get_attribute("data-value") or "nan")

    @property
    def moved(self) -> int:
        """Predictions that differ from those in force."""
        return int(self.page.locator(".lab-verdict strong").get_attribute("data-moved") or -1)

    def press(self, setting: str, keys: str, times: int = 1) -> None:
        """Move a slider by keyboard and wait until it is drawn."""
        draws = int(self.page.locator(".lab").get_attribute("data-draws") or 0)
        knob = self.page.locator(f"#lab-{setting}")
        knob.focus()
        for _ in range(times):
            knob.press(keys)
        self.page.wait_for_function(
            "draws => Number(document.querySelector('.lab').dataset.draws) > draws", arg=draws
        )
        self.settle()

    def settle(self) -> None:
        """Two frames: what was asked for is drawn."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def centre(self) -> None:
        self.page.locator(".lab-toggle input").click()
        self.settle()

    def head(self, base: HeadConfig) -> HeadConfig:
        """What the sliders hold, from what they say."""
        held = {
            name: float(self.page.locator(f"#lab-{name}").get_attribute("aria-valuetext") or "nan")
            for name in ("temperature", "scale", "margin_rad", "label_smoothing")
        }
        return base.model_copy(update=held)


@pytest.fixture
def lab(page: Page, address: str) -> Lab:
    return Lab(page, address)


def sample_of(home: Home, run: RunRecord) -> LabSample:
    taken = queries.embeddings(home, run.id, "validation")
    assert taken is not None
    return lab_sample(taken)


def check_readings(lab: Lab, cos_NC: Any, sample: LabSample, head: HeadConfig) -> None:
    wanted = outcome(cos_NC, sample.labels_N, head, sample.dim).readings
    shown = lab.page.locator("[data-reading]")
    names = [shown.nth(at).get_attribute("data-reading") or "" for at in range(shown.count())]
    assert len(names) > 12
    for name in names:
        assert lab.value(name) == pytest.approx(wanted[name], rel=1e-5, abs=1e-7), name


def test_every_number_is_the_one_that_python_computes(lab: Lab, home: Home, healthy: RunRecord) -> None:
    lab.open(healthy)
    sample = sample_of(home, healthy)
    check_readings(lab, sample.cos_NC, sample, healthy.config.head)
    lab.press("temperature", "PageUp", 3)
    lab.press("margin_rad", "PageUp", 4)
    lab.press("label_smoothing", "PageUp", 2)
    lab.page.get_by_role("radio", name="CosFace").click()
    lab.settle()
    head = lab.head(healthy.config.head).model_copy(update={"kind": "cosface"})
    assert head.temperature > 1
    check_readings(lab, sample.cos_NC, sample, head)


def test_sliders_move_the_loss_of_a_collapsed_run_and_never_its_predictions(
    lab: Lab, home: Home, collapsed: RunRecord
) -> None:
    lab.open(collapsed)
    loss, stays = lab.value("loss"), [lab.value(name) for name in ("top1", "top5", "unique", "max_share")]
    for setting, key in (("temperature", "PageUp"), ("scale", "PageDown"), ("margin_rad", "PageUp")):
        lab.press(setting, key, 4)
        assert lab.value("loss") != pytest.approx(loss, rel=1e-3), setting
        loss = lab.value("loss")
        assert lab.moved == 0
        assert [lab.value(name) for name in ("top1", "top5", "unique", "max_share")] == stays
    lab.centre()
    assert lab.moved > 0
    assert lab.value("unique") > stays[2], "the classes come apart"
    sample = sample_of(home, collapsed)
    check_readings(lab, sample.centred_NC, sample, lab.head(collapsed.config.head))


def test_landmarks_and_the_way_back_are_buttons(lab: Lab, healthy: RunRecord) -> None:
    lab.open(healthy)
    lab.page.get_by_role("button", name=re.compile("^AdaCos")).nth(1).click()
    lab.settle()
    expect(lab.page.locator(".lab-reach")).to_contain_text("s / T = 3.39")
    lab.page.get_by_role("button", name="Back to what is in force").click()
    lab.settle()
    expect(lab.page.locator(".lab-reach")).to_contain_text("s / T = 16")


def test_a_click_on_an_embedding_shows_its_plane(lab: Lab, healthy: RunRecord) -> None:
    lab.open(healthy)
    words = lab.page.locator(".lab-words")
    expect(words).to_contain_text("apart")
    box = lab.page.locator('[data-panel="angles"] canvas').bounding_box()
    assert box
    before = words.inner_text()
    for across in range(20, 95, 5):  # some of these lie near a dot of another class
        for down in range(10, 80, 10):
            lab.page.locator('[data-panel="angles"] canvas').click(
                position={"x": box["width"] * across / 100, "y": box["height"] * down / 100}
            )
        if words.inner_text() != before:
            return
    raise AssertionError("no click changed the plane")


def test_another_set_and_a_reload_find_the_lab_again(
    lab: Lab, healthy: RunRecord, collapsed: RunRecord
) -> None:
    lab.open(healthy)
    loss = lab.value("loss")
    lab.page.get_by_text("latest batch", exact=True).click()
    expect(lab.page.get_by_text("the latest batch at step 40")).to_be_visible()
    lab.page.get_by_text("validation set", exact=True).click()
    expect(lab.page.get_by_text("the validation set at step 40")).to_be_visible()
    lab.page.reload()
    lab.page.locator(".lab[data-draws]").wait_for()
    assert lab.value("loss") == pytest.approx(loss)
    lab.open(collapsed)
    assert lab.value("loss") != pytest.approx(loss)


def test_values_go_along_to_launch(lab: Lab, healthy: RunRecord) -> None:
    lab.open(healthy)
    lab.press("temperature", "PageUp", 4)
    temperature = lab.head(healthy.config.head).temperature
    lab.page.get_by_role("button", name="Start a run with these").click()
    expect(lab.page).to_have_url(re.compile("/launch"))
    expect(lab.page.get_by_role("slider", name=re.compile("^Temperature T"))).to_have_attribute(
        "aria-valuetext", f"{temperature:g}"
    )
    expect(lab.page.get_by_text("The values of the What-if lab, to be changed.")).to_be_visible()


def test_a_running_job_gets_all_values_in_one_command(lab: Lab, home: Home) -> None:
    run = jobs.launch(home, long_run(), name="goes on")
    try:
        wait_until(lambda: queries.embeddings(home, run.id, "train"), "embeddings are kept", 120)
        lab.page.goto(f"{lab.address}/what_if?run={run.id}")
        insist(
            lambda: lab.page.get_by_text("latest batch", exact=True).click(),
            lambda: lab.page.locator(".lab[data-draws]").count() > 0,
            "the latest batch is shown",
        )
        lab.press("temperature", "PageUp", 2)
        lab.press("margin_rad", "PageUp", 2)
        wanted = lab.head(run.config.head)
        lab.page.get_by_role("button", name="Apply 2 changes to the running job").click()
        expect(lab.page.locator(".lab-said")).to_contain_text(re.compile("In force from step|Sent"))
        sent = [one for one in queries.catalog_of(home).commands(run.id) if one.kind == "set"]
        assert len(sent) == 1
        assert sent[0].changes == {
            "head.temperature": pytest.approx(wanted.temperature),
            "head.margin_rad": pytest.approx(wanted.margin_rad),
        }
        assert sent[0].requested_by == "what-if"
    finally:
        stopped(home, run)
