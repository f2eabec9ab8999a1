"""From the banner on Live to causes, experiments and settings, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from edgeft_core import queries
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.probing import probing
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import DEMO_WEIGHTS, Home
from edgeft_core.store.contract import RunRecord
from tests.recorded import recorded_run, small_config
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("patience")]

PATIENCE_MS = 90_000
PATIENCE_S = 240.0


@pytest.fixture(scope="module")
def record(home: Home) -> RunRecord:
    """A run that still goes and whose pixels are fed as 0 to 255; its verdict is still good."""
    config = with_values(small_config(), {"data.normalisation": "none"})
    run = recorded_run(home, "wrong pixels", config=config, collapsed=True, state=RunState.RUNNING)
    pronounce(home, run, "learning")
    return run


def pronounce(home: Home, run: RunRecord, status: str, **more: Any) -> None:
    """Write a verdict where the worker does."""
    told = {"verdict": status, "verdict_since": 20, "verdict_reasons": [], "verdict_cause": None}
    queries.catalog_of(home).heartbeat(run.id, told | more)


def top_of(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return float(box["y"])


def test_a_banner_appears_when_the_verdict_turns_bad_and_nothing_jumps(
    page: Page, address: str, home: Home, record: RunRecord
) -> None:
    pronounce(home, record, "learning")
    page.goto(f"{address}/live?run={record.id}")
    expect(page.locator(".st-key-calm")).to_contain_text("learning")
    page.locator(".st-key-chart_loss .edgeft-chart-plot").wait_for(state="attached")
    before = top_of(page, ".st-key-charts")
    pronounce(home, record, "watch", verdict_cause="input.range", verdict_confidence=0.98)
    expect(page.locator(".st-key-calm")).to_contain_text("watch since step 20, likely input.range (98 %)")
    assert top_of(page, ".st-key-charts") == pytest.approx(before, abs=1)
    pronounce(home, record, "collapsed", verdict_cause="input.range", verdict_confidence=0.98)
    banner = page.locator(".st-key-banner")
    expect(banner).to_contain_text("COLLAPSED since step 20")
    expect(banner).to_contain_text(re.compile(r"\d+ of 12 classes are predicted, the largest takes \d"))
    expect(banner).to_contain_text("Likely cause: input.range (98 %)")
    assert top_of(page, ".st-key-charts") == pytest.approx(before, abs=1)
    banner.get_by_role("button", name="Why").click()
    expect(page).to_have_url(re.compile(rf"/diagnosis\?run={record.id}"))
    expect(page.get_by_text("COLLAPSED").first).to_be_visible()
    expect(page.locator(".st-key-cause_1")).to_contain_text("input.range")


def test_the_likeliest_cause_stands_first_with_evidence_and_change(
    page: Page, address: str, record: RunRecord
) -> None:
    page.goto(f"{address}/diagnosis?run={record.id}")
    first = page.locator(".st-key-cause_1")
    expect(first).to_contain_text("Pixels are not in the range that the backbone expects")
    expect(first).to_contain_text("feeds pixels as 0 to 255")
    expect(first).to_contain_text("May be a false alarm.")
    expect(first).to_contain_text("-1 to 1")
    assert page.locator(".st-key-diagnosis_causes .st-key-cause_4:visible").count() == 0


@pytest.mark.skipif(not DEMO_WEIGHTS.is_file(), reason="the demo weights are not there")
def test_experiments_run_beside_the_run_and_tell_what_they_found(
    page: Page, address: str, home: Home, record: RunRecord
) -> None:
    page.goto(f"{address}/diagnosis?run={record.id}")
    page.get_by_role("button", name="Run the experiments").click()
    expect(page.get_by_text(re.compile("of 9 done"))).to_be_visible()
    wait_until(lambda: not probing(home, record.id).running, "the experiments end", PATIENCE_S)
    expect(page.get_by_role("button", name="Run the experiments again")).to_be_visible()
    expect(page.locator(".st-key-probe_normalisation")).to_contain_text("the best is minus_one_to_one")
    expect(page.locator(".st-key-probe_parameters")).to_contain_text("Could not run.")
    expect(page.locator(".st-key-cause_1")).to_contain_text("Fed as -1 to 1, the same images")


def test_further_charts_are_drawn_when_their_group_is_opened(
    page: Page, address: str, record: RunRecord
) -> None:
    page.goto(f"{address}/live?run={record.id}")
    page.locator(".st-key-chart_loss .edgeft-chart-plot").wait_for(state="attached")
    assert page.locator(".st-key-chart_class_cosines").count() == 0
    page.get_by_text("Head: cosines to classes").click()
    plot = "document.querySelector('.st-key-chart_class_cosines .edgeft-chart-plot')"
    page.wait_for_function(f"() => ({plot}?._fullData?.[0]?.x?.length ?? 0) > 2")
