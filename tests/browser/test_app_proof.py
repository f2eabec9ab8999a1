"""A fix that was proven, in a real browser: both twins side by side, and the run that gets it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from edgeft_core import queries
from edgeft_core.proof.kept import write_proof
from edgeft_core.settings import Home
from tests.pages.test_proof_panel import proof, wrong_pixels
from tests.waiting import insist

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 120_000


def test_a_verified_fix_is_given_to_a_new_run_with_one_click(home: Home, address: str, page: Page) -> None:
    run = wrong_pixels(home)
    write_proof(home.run_folder(run.id), proof())
    page.goto(f"{address}/diagnosis?run={run.id}")
    card = page.locator(".st-key-cause_1")
    expect(card).to_contain_text("Fix verified: largest class", timeout=PATIENCE_MS)
    expect(card.locator(".js-plotly-plot")).to_have_count(3, timeout=PATIENCE_MS)
    start = card.get_by_role("button", name=re.compile("Start a run with this fix"))
    insist(start.click, lambda: len(queries.catalog_of(home).runs()) == 2, "the new run is there")
    fixed = queries.catalog_of(home).run("recorded-fixed")
    assert (fixed.parent_id, fixed.config.data.normalisation) == (run.id, "minus_one_to_one")
    page.wait_for_url(re.compile(rf"run={fixed.id}"), timeout=PATIENCE_MS)
    told = [one.text for one in queries.catalog_of(home).history(fixed.id) if one.kind == "fix"]
    assert told == [f"proof: {proof().sentence}"]
