"""A real collapse, its fixes tried from the click and proven, and given to the running job and to a run of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import Error as BrowserError

from edgeft_core import jobs, queries
from edgeft_core.config_keys import with_values
from edgeft_core.jobs import control
from edgeft_core.jobs.proving import proof_of, proving
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import collapse_demo
from edgeft_core.proof.record import Proof
from edgeft_core.settings import DEMO_WEIGHTS, Home
from edgeft_core.store.contract import RunRecord
from tests.browser.conftest import StartServer
from tests.jobs.conftest import end_processes
from tests.waiting import insist, wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not DEMO_WEIGHTS.is_file(), reason="the demo weights are not there"),
]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 120_000
TRIAL_S = 400  # bounded by the clock at 150 s of steps, and scoring; far less where nothing else runs
# Learning so slowly, the head stays collapsed for a thousand steps, and with the fix still learns within a trial.
SMALL = {
    "data.identities": 50,
    "data.images_per_identity": 6,
    "data.workers": 0,
    "stages.0.head_lr": 5e-5,
    "stages.0.epochs": 10_000,
    "stages.0.patience_epochs": 10_000,
    "stages.0.cached_views": 1,
    "monitor.validate_every_epochs": 500,
    "threads": 1,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("proof") / "home").ensure()
    yield home
    end_processes(home)
    queries.forget(home)


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def address(home: Home, streamlit_server: StartServer) -> str:
    return streamlit_server(ROOT / "app.py", {"EDGEFT_HOME": str(home.root)})


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


@pytest.fixture(scope="module")
def collapsed(home: Home) -> RunRecord:
    """A run that collapsed, held there: the tests that share it need no luck with its recovery."""
    run = jobs.launch(home, with_values(collapse_demo(), SMALL), name="ill")
    wait_until(lambda: summary(home, run).get("verdict") == "collapsed", "the verdict is bad", 240)
    control.pause(home, run.id, wait_s=60)
    return queries.catalog_of(home).run(run.id)


def summary(home: Home, run: RunRecord) -> dict[str, object]:
    return dict(queries.catalog_of(home).run(run.id).summary)


def state_of(home: Home, run: RunRecord) -> RunState:
    return queries.catalog_of(home).run(run.id).state


def press(button: Locator) -> None:
    """Click a button that is there and can be pressed."""
    with suppress(BrowserError):
        button.click(timeout=5_000)


def proven(home: Home, run: RunRecord, card: Locator, cause: str) -> Proof:
    """The proof whose progress the card shows until it shows its outcome."""
    expect(card.locator("[class*='st-key-proof_']").get_by_role("progressbar")).to_be_visible()
    expect(card).to_contain_text(
        re.compile(r"Steps of both [\d,]+ of 250 . about .+ left"), timeout=TRIAL_S * 1000
    )
    wait_until(lambda: not proving(home, run.id).running, "the trial ends", TRIAL_S)
    proof = proof_of(home, run.id, cause)
    assert proof is not None, proving(home, run.id).error
    assert proof.outcome == "verified", (proof.sentence, proof.reasons)
    expect(card).to_contain_text(proof.sentence)
    expect(card.locator(".js-plotly-plot")).to_have_count(3)
    return proof


def fixes(home: Home, run: RunRecord) -> list[str]:
    return [one.text for one in queries.catalog_of(home).history(run.id) if one.kind == "fix"]


def test_the_banner_of_a_collapse_tries_the_fix_and_shows_that_it_helps(
    page: Page, address: str, home: Home, collapsed: RunRecord
) -> None:
    page.goto(f"{address}/live?run={collapsed.id}")
    banner = page.locator(".st-key-banner")
    expect(banner).to_contain_text("Likely cause: input.range")
    button = banner.get_by_role("button", name="Try this fix")
    insist(lambda: press(button), lambda: "/diagnosis" in page.url, "the banner leads to the trial", 120)
    expect(page).to_have_url(re.compile(rf"/diagnosis\?run={collapsed.id}"))
    before = summary(home, collapsed)["step"]
    proof = proven(home, collapsed, page.locator(".st-key-cause_1"), "input.range")
    assert re.match(r"Fix verified: largest class \S+ % \S \S+ %, \d+ \S \d+ classes, Top-5 ", proof.sentence)
    assert proof.remedy.changes == {"data.normalisation": "minus_one_to_one"}
    assert summary(home, collapsed)["step"] == before, "the run is as it was"


def test_a_live_fix_that_was_proven_goes_to_the_running_job_and_into_its_journal(
    page: Page, address: str, home: Home, collapsed: RunRecord
) -> None:
    page.goto(f"{address}/diagnosis?run={collapsed.id}")
    card = page.locator("[class*='st-key-cause_']").filter(has_text="embedding.common_mode").last
    card.get_by_text("Evidence, doubt, and what to change").click()
    button = card.get_by_role("button", name="Try this fix")
    cause = "embedding.common_mode"
    insist(
        lambda: press(button), lambda: proving(home, collapsed.id).cause == cause, "the trial has begun", 120
    )
    proof = proven(home, collapsed, card, cause)
    control.resume(home, collapsed.id, wait_s=60)
    apply = card.get_by_role("button", name="Apply to the running job")
    insist(
        lambda: press(apply),
        lambda: control.applied_values(queries.catalog_of(home), collapsed.id).get("head.centre"),
        "the fix is in force",
    )
    (command, *_) = [
        one for one in queries.catalog_of(home).commands(collapsed.id) if one.requested_by == "proof"
    ]
    assert (dict(command.changes), command.outcome) == ({"head.centre": True}, "applied")
    assert fixes(home, collapsed)[0] == f"proof: {proof.sentence}"
    assert len(queries.catalog_of(home).runs()) == 1, "no other run was started"
    page.goto(f"{address}/live?run={collapsed.id}")
    journal = page.locator(".st-key-side")
    expect(journal).to_contain_text(re.compile(rf"step {command.step:,} .*proof".replace(",", ".?")))


def test_a_fix_that_needs_another_run_starts_it_and_ends_this_one(
    page: Page, address: str, home: Home, collapsed: RunRecord
) -> None:
    page.goto(f"{address}/diagnosis?run={collapsed.id}")
    card = page.locator(".st-key-cause_1")
    start = card.get_by_role("button", name="Start a run with this fix")
    expect(card.get_by_text("and stop this one")).to_be_visible()
    insist(
        lambda: press(start), lambda: len(queries.catalog_of(home).runs()) == 2, "the new run is there", 120
    )
    fixed = queries.catalog_of(home).run("ill-fixed")
    expect(page).to_have_url(re.compile(rf"/live\?run={fixed.id}"))
    assert (fixed.parent_id, fixed.config.data.normalisation) == (collapsed.id, "minus_one_to_one")
    proof = proof_of(home, collapsed.id, "input.range")
    assert proof is not None
    assert fixes(home, fixed) == [f"proof: {proof.sentence}"]
    wait_until(lambda: state_of(home, collapsed) is RunState.STOPPED, "the ill run was ended", 120)
    wait_until(lambda: int(str(summary(home, fixed).get("step") or 0)) > 0, "the new one trains", 240)
