"""The autopilot's switch and its stop button, and a family of runs, in a real browser on recorded runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from edgeft_core import queries
from edgeft_core.autopilot.record import Autopilot, Candidate, Phase
from edgeft_core.jobs.launching import new_run_id
from edgeft_core.jobs.states import RunState
from edgeft_core.proof.record import Remedy
from edgeft_core.settings import Home
from edgeft_core.store.contract import AUTOPILOT, RunRecord
from edgeft_core.store.processes import current_process
from tests.recorded import recorded_run, small_config
from tests.waiting import insist, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("patience")]

PATIENCE_MS = 60_000
FIX = Candidate(
    Remedy("embedding.common_mode", {"head.centre": True}), 0.7, "Centre embeddings off \u2192 on"
)


def of(home: Home, run: RunRecord) -> Autopilot:
    return Autopilot.of(queries.catalog_of(home).run(run.id))


def collapses(home: Home, run: RunRecord) -> None:
    """The verdict turns bad and a trial goes on; this process stands for the one that looks after it."""
    catalog = queries.catalog_of(home)
    catalog.add_history(run.id, "verdict", "collapsed", step=24, data={})
    catalog.heartbeat(run.id, {"verdict": "collapsed", "verdict_since": 24, "verdict_reasons": ["one class"]})
    reason = "Collapsed since step 24: tries Centre embeddings off \u2192 on."
    at, me = datetime.now(UTC).isoformat(), current_process()
    trying = Autopilot(Phase.PROVING, candidates=(FIX,), reason=reason, at=at, by=me)
    before = catalog.run(run.id).summary[AUTOPILOT]
    assert catalog.turn_autopilot(run.id, before, trying.as_dict(), text=reason, step=40, data={})


def test_it_is_switched_on_tells_what_it_tries_and_is_stopped(page: Page, address: str, home: Home) -> None:
    run = recorded_run(home, collapsed=True, state=RunState.RUNNING)
    page.goto(f"{address}/live?run={run.id}")
    panel = page.locator(".st-key-autopilot")
    expect(panel).to_contain_text("Off. If the run collapses: rewind, and apply a proven fix")
    insist(panel.get_by_text("Autopilot", exact=True).click, lambda: of(home, run).is_on, "it is on")
    expect(panel).to_contain_text("Watching; nothing to do so far.")
    collapses(home, run)
    expect(page.locator(".st-key-banner")).to_contain_text(
        re.compile("Autopilot: trying Centre embeddings off . on since .*Fix of embedding.common_mode")
    )
    expect(page.locator(".st-key-side")).to_contain_text("Collapsed since step 24: tries Centre embeddings")
    stop = panel.get_by_role("button", name="Stop the autopilot")
    insist(stop.click, lambda: of(home, run).phase is Phase.OFF, "it is off")
    expect(stop).to_have_count(0)
    expect(page.locator(".st-key-side")).to_contain_text("Switched off by you.")


def test_a_family_stands_together_and_is_drawn_together(page: Page, address: str, home: Home) -> None:
    parent = recorded_run(home, "parent", collapsed=True)
    catalog = queries.catalog_of(home)
    for name in ("one", "two"):
        child = catalog.add_run(
            new_run_id(), name, small_config(normalisation="imagenet"), parent_id=parent.id
        )
        catalog.move_run(child.id, RunState.STOPPED)
    page.goto(f"{address}/runs")
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()
    together = page.get_by_text("Draw them together")

    def choose_the_parent() -> None:
        box = table.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 16, box["y"] + 34 + 16)

    insist(choose_the_parent, lambda: together.count() == 1, "the parent is chosen, not its newest child")
    expect(page.get_by_text("one and two were made from it")).to_be_visible()
    drawn = page.get_by_text("A parent").first
    insist(together.click, lambda: drawn.count() == 1, "they are drawn together")
    expect(page.get_by_text("Settings that differ")).to_be_visible()
    wait_until(lambda: page.locator(".st-key-charts .main-svg").count() > 0, "charts are there", 60)
