"""A collapse on few people in a real browser: its cause, the fix tried on two twins, and the run that has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from edgeft_core import jobs, queries
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.proving import proof_of, proving
from edgeft_core.jobs.states import ENDED
from edgeft_core.presets import PRESETS
from edgeft_core.settings import Home
from tests.browser.conftest import StartServer
from tests.jobs.conftest import end_processes
from tests.waiting import insist, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 60_000
TRIAL_S = 400.0  # half a minute where nothing else runs


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


def few_people() -> RunConfig:
    """The preset on 24 people: a few steps, and it is over."""
    return with_values(
        PRESETS["collapse-demo"](),
        {
            "data.identities": 24,
            "threads": 1,
            "stages.0.epochs": 2,
            "stages.1.epochs": 1,
            "data.images_per_identity": 8,
        },
    )


def test_the_fix_is_tried_verified_and_given_to_a_new_run(
    home: Home, streamlit_server: StartServer, page: Page
) -> None:
    run = jobs.launch(home, few_people(), name="ill")
    wait_until(lambda: queries.catalog_of(home).run(run.id).state in ENDED, "the run ends", TRIAL_S)
    address = streamlit_server(ROOT / "app.py", {"EDGEFT_HOME": str(home.root)})
    page.goto(f"{address}/diagnosis?run={run.id}")
    card = page.locator(".st-key-cause_1")
    expect(card).to_contain_text("input.range", timeout=PATIENCE_MS)
    try_it = card.get_by_role("button", name=re.compile("Try this fix"))
    insist(
        try_it.click,
        lambda: proving(home, run.id).running or proof_of(home, run.id, "input.range"),
        "it starts",
    )
    expect(card.locator("[data-testid=stProgress]").last).to_be_visible(timeout=PATIENCE_MS)
    wait_until(lambda: not proving(home, run.id).running, "the trial ends", TRIAL_S)
    proof = proof_of(home, run.id, "input.range")
    assert proof is not None
    assert proof.outcome == "verified", proof.sentence
    expect(card).to_contain_text("Fix verified: largest class", timeout=PATIENCE_MS)
    expect(card).to_contain_text("guessing")
    expect(card.locator(".js-plotly-plot")).to_have_count(3, timeout=PATIENCE_MS)
    start = card.get_by_role("button", name=re.compile("Start a run with this fix"))
    insist(start.click, lambda: len(queries.catalog_of(home).runs()) == 2, "the new run is there")
    fixed = queries.catalog_of(home).run("ill-fixed")
    assert (fixed.parent_id, fixed.config.data.normalisation) == (run.id, "minus_one_to_one")
    page.wait_for_url(re.compile(rf"/live\?run={fixed.id}|run={fixed.id}"), timeout=PATIENCE_MS)
    told = [one.text for one in queries.catalog_of(home).history(fixed.id) if one.kind == "fix"]
    assert told == [f"proof: {proof.sentence}"]
