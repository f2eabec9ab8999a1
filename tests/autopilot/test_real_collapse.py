"""A real collapse that nobody watches: the dispatcher alone, killed once, tries and applies what mends it."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from edgeft_core import jobs
from edgeft_core.autopilot.pilot import Pilot
from edgeft_core.autopilot.record import Autopilot, Phase
from edgeft_core.autopilot.sight import RunSight
from edgeft_core.autopilot.switch import switch_off
from edgeft_core.config_keys import with_values
from edgeft_core.jobs import control
from edgeft_core.jobs.dispatcher import LEASE
from edgeft_core.jobs.dispatcher.loop import start_worker
from edgeft_core.jobs.proving import proof_of, proving
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import collapse_demo
from edgeft_core.queries import autopilot_story
from edgeft_core.settings import DEMO_WEIGHTS, REPOSITORY, Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.processes import current_process
from tests.autopilot.test_pilot import CENTRE, Trials, turns_bad, unsettled
from tests.jobs.real_runs import LASTING_COLLAPSE, endless, wait_for, wait_for_step

pytestmark = pytest.mark.slow

COLLAPSING = {**LASTING_COLLAPSE, "autopilot.enabled": True}


def of(catalog: SqlCatalog, run_id: str) -> Autopilot:
    return Autopilot.of(catalog.run(run_id))


@pytest.mark.skipif(not DEMO_WEIGHTS.is_file(), reason="the demo weights are not there")
def test_a_run_that_collapses_unwatched_is_replaced_by_one_with_a_proven_fix(
    home: Home, catalog: SqlCatalog
) -> None:
    run = jobs.launch(home, with_values(collapse_demo(), COLLAPSING), name="ill")
    wait_for(lambda: proving(home, run.id).running)
    assert of(catalog, run.id).phase is Phase.PROVING
    holder = catalog.lease_holder(LEASE)
    assert holder is not None
    psutil.Process(holder.pid).kill()  # the end of the trial starts another, which goes on where this one was
    over = wait_for(lambda: pilot if not (pilot := of(catalog, run.id)).is_on else None)
    assert over.phase is Phase.HANDED_OVER, over.reason
    assert catalog.lease_holder(LEASE) not in {None, holder}
    told = [one.text for one in reversed(autopilot_story(home, run.id))]
    assert told[0].startswith("Collapsed since step "), told
    assert (
        told[-2].startswith("Act 1 of 2: a run of its own with ")
        and "Fix verified: largest class " in told[-2]
    )
    child = catalog.run(over.child)
    cause = over.candidates[0].remedy.cause
    proof = proof_of(home, run.id, cause)
    assert proof is not None and proof.outcome == "verified"
    assert child.config.data.normalisation == "minus_one_to_one", (cause, told)
    assert Autopilot.of(child).acts_left == 1
    wait_for(lambda: catalog.run(run.id).state is RunState.STOPPED)
    trained = wait_for_step(catalog, child.id, 300)
    assert trained.summary["verdict"] in {"learning", "healthy"}, trained.summary["verdict_reasons"]


def test_a_proven_live_fix_is_in_force_from_the_first_step_after_the_healthy_checkpoint(
    home: Home, catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is real; its verdict and the trial's outcome are given, so that they come when they are needed."""
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)
    monkeypatch.setattr(RunSight, "candidates", lambda _: [CENTRE])
    config = with_values(endless(), {"autopilot.enabled": True, "checkpoints.every_steps": 20})
    run = jobs.launch(home, config, name="ill")
    assert catalog.take_lease(
        LEASE, current_process(), ttl_s=3600
    )  # the worker starts nobody who would look, too
    worker = start_worker(home, run)
    wait_for_step(catalog, run.id, 50)
    turns_bad(catalog, run, since=45)
    trials = Trials()
    pilot = Pilot(home, catalog, lambda *_: True)
    pilot.look(unsettled(catalog))
    wait_for(lambda: catalog.run(run.id).state is RunState.PAUSED)
    trials(home, run.id, CENTRE.remedy)

    def in_force() -> bool:
        pilot.look(unsettled(catalog))
        return of(catalog, run.id).phase is Phase.WATCHING

    wait_for(in_force)
    rewind, fix = (one for one in catalog.commands(run.id) if one.kind in {"rewind", "set"})
    assert (rewind.outcome, fix.outcome) == ("applied", "applied"), (rewind.reason, fix.reason)
    assert rewind.to_step in {0, 20, 40}, "step 40 unless it was in the queue behind the verdict"
    assert fix.step == (rewind.to_step or 0) + 1, "no step was trained without it"
    gone_on = wait_for_step(catalog, run.id, 100)
    assert gone_on.state is RunState.RUNNING
    assert of(catalog, run.id).acts == 1
    control.stop(home, run.id, wait_s=60)
    worker.wait(60)


def test_a_run_that_was_paused_for_a_trial_is_not_left_alone_when_the_dispatcher_dies(
    home: Home, catalog: SqlCatalog
) -> None:
    """Killed after it paused the run and before the trial began; nobody looks at a page or launches anything."""
    dispatcher = subprocess.Popen([sys.executable, "-c", SLOW_TO_TRY, str(home.root)], cwd=REPOSITORY)
    wait_for(lambda: catalog.lease_holder(LEASE))
    run = jobs.launch(home, with_values(endless(), {"autopilot.enabled": True}), name="ill")
    wait_for_step(catalog, run.id, 50)
    turns_bad(catalog, run, since=45)
    wait_for(lambda: catalog.run(run.id).state is RunState.PAUSED)
    trying = of(catalog, run.id)
    assert trying.phase is Phase.PROVING
    assert trying.by is not None
    assert trying.by.pid == dispatcher.pid
    assert not proving(home, run.id).cause
    dispatcher.kill()
    dispatcher.wait(10)

    wait_for(lambda: proving(home, run.id).running)
    assert proving(home, run.id).cause == CENTRE.remedy.cause
    holder = catalog.lease_holder(LEASE)
    assert holder is not None
    assert holder.pid != dispatcher.pid
    switch_off(home, run.id)
    wait_for(lambda: catalog.run(run.id).state is RunState.RUNNING)


SLOW_TO_TRY = """
import sys, time
from contextlib import closing
from pathlib import Path
from edgeft_core import store
from edgeft_core.autopilot.pilot import Pilot
from edgeft_core.autopilot.sight import RunSight
from edgeft_core.jobs.dispatcher.loop import Dispatcher
from edgeft_core.settings import Home
from tests.autopilot.test_pilot import CENTRE

RunSight.candidates = lambda _: [CENTRE]
home = Home(Path(sys.argv[1]))
with closing(store.open_catalog(home.catalog_url)) as catalog:
    Dispatcher(home, catalog, beside=Pilot(home, catalog, lambda *_: time.sleep(3600)).look).serve()
"""
