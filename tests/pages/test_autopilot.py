"""The autopilot on Live and Launch: its switch, what it says, and its rows in the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from edgeft_core import queries
from edgeft_core.autopilot.record import Autopilot, Candidate, Phase
from edgeft_core.errors import AccessError
from edgeft_core.jobs.states import RunState
from edgeft_core.proof.record import Remedy
from edgeft_core.settings import Home
from edgeft_core.store.contract import AUTOPILOT, RunRecord
from tests.pages.test_pages import opened, words
from tests.recorded import recorded_run

FIX = Candidate(
    Remedy("embedding.common_mode", {"head.centre": True}), 0.7, "Centre embeddings off \u2192 on"
)
TRYING = Autopilot(
    Phase.PROVING,
    max_acts=2,
    candidates=(FIX,),
    reason="Collapsed since step 24: tries Centre embeddings off \u2192 on.",
    at=datetime.now(UTC).isoformat(),
)


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)


@pytest.fixture
def run(home: Home) -> RunRecord:
    return recorded_run(home, state=RunState.RUNNING)


def of(home: Home, run: RunRecord) -> Autopilot:
    return Autopilot.of(queries.catalog_of(home).run(run.id))


def is_now(home: Home, run: RunRecord, pilot: Autopilot) -> None:
    catalog = queries.catalog_of(home)
    before = catalog.run(run.id).summary.get(AUTOPILOT)
    assert catalog.turn_autopilot(run.id, before, pilot.as_dict(), text=pilot.reason, step=40, data={})


def switch(app: AppTest) -> str:
    (key,) = [one.key for one in app.toggle if str(one.key).startswith("autopilot.on.")]
    return str(key)


def test_it_is_switched_on_and_off_with_one_click(home: Home, run: RunRecord) -> None:
    app = opened("live", run.id)
    assert "Off. If the run collapses: rewind, and apply a proven fix, at most 2 times." in words(app)
    app.toggle(key=switch(app)).set_value(True).run()
    assert of(home, run).phase is Phase.WATCHING
    assert "Watching; nothing to do so far." in words(app)
    assert "Switched on by you, for at most 2 acts." in words(app), "the journal tells it"
    app.toggle(key=switch(app)).set_value(False).run()
    assert of(home, run).phase is Phase.OFF


def test_who_may_only_look_is_told_so_and_the_switch_goes_back(
    home: Home, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened("live", run.id)

    def refused() -> None:
        raise AccessError("You may look at everything here, but not change it.")

    monkeypatch.setattr("edgeft_core.access.require_control", refused)
    app.toggle(key=switch(app)).set_value(True).run()
    assert "You may look at everything here" in words(app)
    assert not app.toggle(key=switch(app)).value
    assert not of(home, run).is_on


def most(app: AppTest) -> Selectbox[int]:
    (box,) = [one for one in app.selectbox if str(one.key).startswith("autopilot.most.")]
    return box


def test_the_number_of_acts_is_chosen_beside_it_before_and_while_it_is_on(home: Home, run: RunRecord) -> None:
    app = opened("live", run.id)
    most(app).set_value(4).run()
    assert not of(home, run).is_on, "a number alone switches nothing"
    app.toggle(key=switch(app)).set_value(True).run()
    assert (of(home, run).phase, of(home, run).max_acts) == (Phase.WATCHING, 4)
    most(app).set_value(3).run()
    assert (of(home, run).phase, of(home, run).max_acts) == (Phase.WATCHING, 3)


def test_while_it_works_it_says_what_it_tries_and_can_be_stopped(home: Home, run: RunRecord) -> None:
    is_now(home, run, TRYING)
    app = opened("live", run.id)
    assert "trying **Centre embeddings off \u2192 on** since" in words(app)
    assert "Fix of embedding\\.common\\_mode" in words(app) or "Fix of embedding.common\\_mode" in words(app)
    (stop,) = [one for one in app.button if one.label == "Stop the autopilot"]
    stop.click().run()
    assert of(home, run).phase is Phase.OFF
    assert not [one for one in app.button if one.label == "Stop the autopilot"]


def test_a_run_that_was_replaced_leads_to_the_one_that_took_its_place(home: Home) -> None:
    run = recorded_run(home, state=RunState.STOPPED)
    child = recorded_run(home, name="mended")
    is_now(home, run, replace(TRYING, phase=Phase.HANDED_OVER, child=child.id, reason="mended has the fix."))
    app = opened("live", run.id)
    assert "mended has the fix." in words(app)
    assert [one.label for one in app.button if one.label.startswith("Open ")] == ["Open mended"]
    assert not [one for one in app.toggle if str(one.key).startswith("autopilot.")], (
        "there is nothing to switch"
    )


def test_a_run_that_ended_without_its_doing_does_not_speak_of_it(home: Home) -> None:
    run = recorded_run(home)
    assert "If the run collapses" not in words(opened("live", run.id))
    is_now(home, run, Autopilot(Phase.WATCHING, reason="Switched on by you, for at most 2 acts."))
    assert "Watching" not in words(opened("live", run.id))
    is_now(home, run, Autopilot(Phase.WATCHING, acts=1, reason="It is in force from step 11 on."))
    assert "The autopilot acted 1 of 2 times. It is in force from step 11 on." in words(
        opened("live", run.id)
    )


def test_a_run_that_it_made_says_whose_it_was(home: Home, run: RunRecord) -> None:
    reason = "Made by the autopilot of ill. It may act once more."
    is_now(home, run, Autopilot(Phase.WATCHING, max_acts=1, parent="ill", act=1, reason=reason))
    assert f"Watching; {reason}" in words(opened("live", run.id))


def test_launch_offers_it_among_the_advanced_settings(home: Home) -> None:
    app = opened("launch")
    assert not app.toggle(key="launch.recommended.autopilot.enabled").value
    assert app.number_input(key="launch.recommended.autopilot.max_acts").value == 2
