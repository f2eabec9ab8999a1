"""A real collapse, its fix tried from the click, proven, and given to the running job: real processes throughout."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from edgeft_core import jobs, queries
from edgeft_core.config_keys import with_values
from edgeft_core.jobs import control
from edgeft_core.jobs.proving import proof_of, proving
from edgeft_core.presets import collapse_demo
from edgeft_core.settings import DEMO_WEIGHTS, Home
from edgeft_core.store import open_metrics_reader
from edgeft_core.store.contract import RunRecord
from tests.jobs.real_runs import LASTING_COLLAPSE
from tests.waiting import insist, wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.usefixtures("patience"),
    pytest.mark.skipif(not DEMO_WEIGHTS.is_file(), reason="the demo weights are not there"),
]

PATIENCE_MS = 120_000
TRIAL_S = 400  # bounded by the clock; five seconds where nothing else runs
CAUSE = "embedding.common_mode"


@pytest.fixture
def collapsed(home: Home) -> RunRecord:
    """A run that collapsed, held there so that it does not get well by itself."""
    run = jobs.launch(home, with_values(collapse_demo(), LASTING_COLLAPSE), name="ill")
    catalog = queries.catalog_of(home)
    wait_until(lambda: catalog.run(run.id).summary.get("verdict") == "collapsed", "it collapses", 240)
    control.pause(home, run.id, wait_s=120)
    return catalog.run(run.id)


def centred(home: Home, run: RunRecord, step: int) -> bool:
    """Whether the run trained this step, with centred embeddings."""
    with open_metrics_reader(home.metrics_file(run.id)) as reader:
        view = reader.tail(["centre"], 100_000)
    return bool((view.high["centre"][view.step_V == step] == 1.0).any())


def test_a_fix_is_tried_from_the_click_and_the_run_carries_it(
    page: Page, address: str, home: Home, collapsed: RunRecord
) -> None:
    catalog = queries.catalog_of(home)
    before = catalog.run(collapsed.id).summary["step"]
    page.goto(f"{address}/diagnosis?run={collapsed.id}")
    card = page.locator("[class*='st-key-cause_']").filter(has_text=CAUSE).last
    card.get_by_text("Evidence, doubt, and what to change").click()
    card.get_by_role("button", name="Try this fix").click()
    expect(card.locator("[class*='st-key-proof_']").get_by_role("progressbar")).to_be_visible()
    expect(card).to_contain_text(re.compile("about .+ left"))
    wait_until(lambda: not proving(home, collapsed.id).running, "the trial ends", TRIAL_S)
    proof = proof_of(home, collapsed.id, CAUSE)
    assert proof is not None, proving(home, collapsed.id).error
    assert proof.outcome == "verified", (proof.sentence, proof.reasons)
    expect(card).to_contain_text(proof.sentence)
    expect(card.locator(".js-plotly-plot")).to_have_count(3)
    assert catalog.run(collapsed.id).summary["step"] == before, "the run itself was not touched"

    apply = card.get_by_role("button", name="Apply to the running job")
    insist(
        apply.click,
        lambda: control.applied_values(catalog, collapsed.id) == {"head.centre": True},
        "the fix is in force",
    )
    asked = next(one for one in catalog.commands(collapsed.id) if one.requested_by == "proof")
    assert asked.step == before + 1
    control.resume(home, collapsed.id, wait_s=120)
    wait_until(lambda: centred(home, collapsed, before + 20), "the run goes on with it", 120)
    assert not centred(home, collapsed, before)
    assert len(catalog.runs()) == 1, "no other run was started"
    page.goto(f"{address}/live?run={collapsed.id}")
    expect(page.locator(".st-key-side")).to_contain_text(re.compile(rf"step {asked.step:,} .*proof"))
