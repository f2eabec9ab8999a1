"""A fix that was proven, in a real browser: both twins side by side, and the run that gets it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from edgeft_core import queries
from edgeft_core.proof.kept import write_proof
from edgeft_core.settings import Home
from tests.browser.conftest import StartServer
from tests.jobs.conftest import end_processes
from tests.pages.test_proof_panel import proof, wrong_pixels
from tests.waiting import insist

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("proof") / "home").ensure()
    yield home
    end_processes(home)
    queries.forget(home)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"The browser reported: {errors}"


def test_a_verified_fix_is_given_to_a_new_run_with_one_click(
    home: Home, streamlit_server: StartServer, page: Page
) -> None:
    run = wrong_pixels(home)
    write_proof(home.run_folder(run.id), proof())
    address = streamlit_server(ROOT / "app.py", {"EDGEFT_HOME": str(home.root)})
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
