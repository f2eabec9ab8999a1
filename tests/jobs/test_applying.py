"""A fix applied: live ones as one request, the others as a run of their own; both histories say why."""

from __future__ import annotations

import pytest

from edgeft_core import jobs
from edgeft_core.errors import RequestError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.applying import application, apply_remedy
from edgeft_core.jobs.forking import Origin
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import PRESETS
from edgeft_core.proof.record import Proof, Remedy
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process
from tests.jobs.test_forking import saved

LIVE = Remedy("scale.too_low", live={"head.scale": 24.0, "head.temperature": 2.0})
RANGE = Remedy("input.range", restart={"data.normalisation": "imagenet"})
WARMER = Remedy(
    "lr.too_high", live={"stages.0.head_lr": 1e-4}, restart={"stages.0.warmup_steps": 50}, rewind=True
)


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)


@pytest.fixture
def run(home: Home, catalog: SqlCatalog) -> RunRecord:
    """A run that goes; this process stands in for its worker."""
    run = jobs.launch(home, PRESETS["smoke"](), name="ill")
    catalog.claim_run(run.id, current_process())
    return catalog.move_run(run.id, RunState.RUNNING)


def proof(remedy: Remedy) -> Proof:
    return Proof(remedy, "verified", "Fix verified: all is well.")


def fixes(catalog: SqlCatalog, run_id: str) -> list[tuple[int, str]]:
    return [(one.step, one.text) for one in catalog.history(run_id) if one.kind == "fix"]


def test_live_settings_are_one_request_to_the_running_job(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    done = apply_remedy(home, run.id, LIVE, proof=proof(LIVE))
    assert (done.way, done.run.id) == ("set", run.id)
    (command,) = catalog.pending_commands(run.id)
    assert (dict(command.changes), command.requested_by) == (LIVE.changes, "proof")
    assert fixes(catalog, run.id) == [(0, "proof: Fix verified: all is well.")]
    assert done.text == "head.scale = 24.0, head.temperature = 2.0: in force from the run's next step on."
    assert len(catalog.runs()) == 1


def test_what_the_backbone_sees_needs_a_run_from_the_beginning(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    saved(home, catalog, run, "last", 30)
    done = apply_remedy(home, run.id, RANGE, proof=proof(RANGE), stop_first=True)
    assert (done.way, done.run.name, done.run.parent_id) == ("restart", "ill-fixed", run.id)
    assert Origin.of(done.run) is None
    assert done.run.config.data.normalisation == "imagenet"
    assert [one.kind for one in catalog.pending_commands(run.id)] == ["stop"]
    assert fixes(catalog, done.run.id) == [(0, "proof: Fix verified: all is well.")]
    assert fixes(catalog, run.id) == [(0, "proof: Fix verified: all is well. (in ill-fixed)")]


def test_going_back_is_a_fork_of_a_checkpoint_from_before_the_trouble(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    saved(home, catalog, run, "manual", 10)
    saved(home, catalog, run, "last", 30)
    catalog.heartbeat(run.id, {"verdict": "collapsed", "verdict_since": 20})
    done = apply_remedy(home, run.id, WARMER, name="gentle")
    assert (done.way, Origin.of(done.run)) == ("fork", Origin(run.id, "ill", 10, "manual"))
    stage = done.run.config.stages[0]
    assert (done.run.name, stage.head_lr, stage.warmup_steps) == ("gentle", 1e-4, 50)
    assert fixes(catalog, done.run.id) == [(10, "fix of lr.too_high, not tried before")]
    assert not catalog.pending_commands(run.id), "the old one goes on unless it is to be stopped"


def test_a_run_that_has_ended_gets_live_fixes_as_a_fork(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    saved(home, catalog, run, "last", 30)
    catalog.move_run(run.id, RunState.STOPPED)
    assert application(catalog, catalog.run(run.id), LIVE).way == "fork"


def test_live_changes_that_came_after_the_checkpoint_are_kept(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    saved(home, catalog, run, "last", 30)
    command = catalog.add_command(
        run.id, ControlRequest(0, "set", {"head.centre": True}), requested_by="test"
    )
    catalog.settle_command(command.id, "applied", step=40, reason="", previous={})
    done = apply_remedy(home, run.id, Remedy(restart={"stages.0.warmup_steps": 50}))
    assert done.run.config.head.centre


def test_a_fix_that_is_in_force_already_is_refused(home: Home, run: RunRecord) -> None:
    with pytest.raises(RequestError, match="in force already"):
        apply_remedy(home, run.id, Remedy(live={"head.scale": 16.0}))
