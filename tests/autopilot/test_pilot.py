"""The autopilot on a real catalog and real folders: tests stand in for workers, trials leave real proof files."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from edgeft_core import jobs, store
from edgeft_core.autopilot.pilot import Pilot
from edgeft_core.autopilot.record import Autopilot, Candidate, Phase
from edgeft_core.autopilot.sight import RunSight, newest_healthy
from edgeft_core.autopilot.switch import switch_off, switch_on
from edgeft_core.config_keys import with_values
from edgeft_core.errors import ConfigError, HomeError, RequestError, TransitionError
from edgeft_core.jobs import control
from edgeft_core.jobs.replaying import replay
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import PRESETS
from edgeft_core.proof.kept import write_proof
from edgeft_core.proof.record import Outcome, Proof, Remedy
from edgeft_core.queries import VerdictSpan, autopilot_story, markers, run_status
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import AUTOPILOT, RunRecord
from edgeft_core.store.processes import current_process, identity_of
from tests.jobs.test_forking import saved

CENTRE = Candidate(Remedy("embedding.common_mode", live={"head.centre": True}), 0.7, "Centre embeddings on")
PIXELS = Candidate(
    Remedy("input.range", restart={"data.normalisation": "imagenet"}), 0.9, "Normalisation mended"
)


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)


@pytest.fixture(autouse=True)
def suspects(monkeypatch: pytest.MonkeyPatch) -> list[Candidate]:
    """What the diagnosis comes to; a test puts into it what it needs."""
    found = [CENTRE]
    monkeypatch.setattr(RunSight, "candidates", lambda _: found)
    return found


@pytest.fixture
def run(home: Home, catalog: SqlCatalog) -> RunRecord:
    """A run that goes with its autopilot on; it learned until step 20."""
    config = with_values(PRESETS["smoke"](), {"autopilot.enabled": True})
    run = jobs.launch(home, config, name="ill")
    catalog.claim_run(run.id, current_process())
    catalog.move_run(run.id, RunState.RUNNING)
    catalog.add_history(run.id, "verdict", "learning", step=1, data={})
    for kind, step in (("first", 0), ("manual", 10), ("last", 30)):
        saved(home, catalog, run, kind, step)
    return catalog.run(run.id)


class Trials:
    """Begins trials that are over at once: their proof lies in the run's folder, as a real one's would."""

    def __init__(self, *outcomes: Outcome) -> None:
        verified: Outcome = "verified"
        self._outcomes = itertools.chain(outcomes, itertools.repeat(verified))
        self.begun: list[str] = []

    def __call__(self, home: Home, run_id: str, remedy: Remedy) -> bool:
        self.begun.append(remedy.cause)
        outcome = next(self._outcomes)
        sentence = "Fix verified: 5 to 300 classes." if outcome == "verified" else "No effect."
        at = f"2026-01-01T00:00:{len(self.begun):02}+00:00"
        write_proof(home.run_folder(run_id), Proof(remedy, outcome, sentence, at=at))
        return True


def turns_bad(catalog: SqlCatalog, run: RunRecord, verdict: str = "collapsed", since: int = 20) -> None:
    catalog.add_history(run.id, "verdict", verdict, step=since, data={})
    catalog.heartbeat(run.id, {"verdict": verdict, "verdict_since": since, "step": since + 20})


def unsettled(catalog: SqlCatalog) -> list[RunRecord]:
    return catalog.runs(states=[RunState.QUEUED, RunState.STARTING, RunState.RUNNING, RunState.PAUSED])


def of(catalog: SqlCatalog, run: RunRecord) -> Autopilot:
    return Autopilot.of(catalog.run(run.id))


def asked(catalog: SqlCatalog, run: RunRecord) -> list[str]:
    return [one.kind for one in catalog.commands(run.id) if one.requested_by == AUTOPILOT]


def answer_all(catalog: SqlCatalog, run: RunRecord, outcome: str = "applied", reason: str = "") -> None:
    """What the worker does with its requests."""
    for one in catalog.pending_commands(run.id):
        catalog.settle_command(one.id, outcome, step=11, reason=reason, previous={})  # type: ignore[arg-type]
        if one.kind in {"pause", "resume"}:
            catalog.move_run(run.id, RunState.PAUSED if one.kind == "pause" else RunState.RUNNING)
        if one.kind == "rewind":
            catalog.add_history(run.id, "verdict", "learning", step=0, data={})


def story(home: Home, run: RunRecord) -> list[str]:
    return [one.text for one in reversed(autopilot_story(home, run.id))]


def test_a_live_fix_from_collapse_to_watching_again(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    trials = Trials()
    pilot = Pilot(home, catalog, trials)
    pilot.look(unsettled(catalog))
    assert of(catalog, run).phase is Phase.WATCHING and not story(home, run), (
        "a run that learns is left alone"
    )
    turns_bad(catalog, run)
    pilot.look(unsettled(catalog))
    answer_all(catalog, run)
    pilot.look(unsettled(catalog))
    assert (trials.begun, of(catalog, run).phase) == (["embedding.common_mode"], Phase.APPLYING)
    assert asked(catalog, run) == ["pause", "rewind", "set", "resume"]
    rewind, fix = (one for one in catalog.commands(run.id) if one.kind in {"rewind", "set"})
    assert (rewind.to_step, dict(fix.changes)) == (10, {"head.centre": True}), (
        "step 30 was after the collapse"
    )
    assert not pilot.look([]) or of(catalog, run).phase is Phase.APPLYING
    answer_all(catalog, run)
    pilot.look(unsettled(catalog))
    assert story(home, run) == [
        "Collapsed since step 20: tries Centre embeddings on, the fix of embedding.common_mode (70 %).",
        "Act 1 of 2: back to step 10, and Centre embeddings on. Fix verified: 5 to 300 classes.",
        "Centre embeddings on: in force from step 11 on. It may act once more.",
    ]
    assert (of(catalog, run).phase, of(catalog, run).acts) == (Phase.WATCHING, 1)
    pilot.look(unsettled(catalog))
    assert len(story(home, run)) == 3, (
        "the summary still tells the collapse of before, and history knows better"
    )


def test_a_run_without_trouble_costs_no_more_than_its_row(
    home: Home, catalog: SqlCatalog, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pilot, "_seen", killed)
    pilot = Pilot(home, catalog, Trials())
    assert not pilot.look(unsettled(catalog)), "a run that goes keeps the dispatcher by itself"
    turns_bad(catalog, run)
    with pytest.raises(Killed):
        pilot.look(unsettled(catalog))


def test_the_second_collapse_is_the_last_that_it_acts_on(
    home: Home, catalog: SqlCatalog, run: RunRecord, suspects: list[Candidate]
) -> None:
    pilot = Pilot(home, catalog, Trials())
    for scale in (16.0, 20.0, 24.0, 28.0):
        suspects[:] = [
            CENTRE if scale == 16.0 else Candidate(Remedy("scale.too_low", {"head.scale": scale}), 0.6, "s")
        ]
        turns_bad(catalog, run)
        for _ in range(4):
            pilot.look(unsettled(catalog))
            answer_all(catalog, run)
    assert asked(catalog, run).count("set") == of(catalog, run).acts == 2
    assert of(catalog, run).phase is Phase.GIVEN_UP
    assert story(home, run)[-1] == "Collapsed since step 20, and it has acted 2 times: no more is allowed."
    acts = [one.data["act"] for one in autopilot_story(home, run.id) if one.data.get("act")]
    assert acts == [2, 1], "each act has its row"


def test_a_fix_that_needs_another_run_hands_over_to_it_with_what_is_left(
    home: Home, catalog: SqlCatalog, run: RunRecord, suspects: list[Candidate]
) -> None:
    suspects[:] = [PIXELS]
    turns_bad(catalog, run)
    pilot = Pilot(home, catalog, Trials())
    for _ in range(3):
        pilot.look(unsettled(catalog))
        answer_all(catalog, run)
    child = catalog.run("ill-fixed")
    assert (child.parent_id, child.config.data.normalisation) == (run.id, "imagenet")
    assert asked(catalog, run) == ["pause", "stop"]
    left = Autopilot.of(child)
    assert (left.phase, left.max_acts, left.acts, left.parent) == (Phase.WATCHING, 1, 0, run.id)
    assert (of(catalog, run).phase, of(catalog, run).child) == (Phase.HANDED_OVER, child.id)
    assert story(home, child) == ["Made by the autopilot of ill. It may act once more."]
    why = [one.text for one in catalog.history(child.id) if one.kind == "fix"]
    assert why == ["proof: Fix verified: 5 to 300 classes."]


def test_the_last_act_leaves_the_new_run_to_itself(
    home: Home, catalog: SqlCatalog, run: RunRecord, suspects: list[Candidate]
) -> None:
    suspects[:] = [PIXELS]
    switch_on(home, run.id, max_acts=1)
    turns_bad(catalog, run)
    pilot = Pilot(home, catalog, Trials())
    for _ in range(3):
        pilot.look(unsettled(catalog))
        answer_all(catalog, run)
    left = Autopilot.of(catalog.run("ill-fixed"))
    assert (left.phase, left.reason) == (
        Phase.GIVEN_UP,
        "Made by the autopilot of ill. It may not act again.",
    )


def test_a_fix_that_goes_back_becomes_a_fork_from_before_the_trouble(
    home: Home, catalog: SqlCatalog, run: RunRecord, suspects: list[Candidate]
) -> None:
    warmer = Remedy("lr.too_high", live={"stages.0.head_lr": 1e-4}, restart={"stages.0.warmup_steps": 50})
    suspects[:] = [Candidate(warmer, 0.8, "gentler")]
    turns_bad(catalog, run)
    pilot = Pilot(home, catalog, Trials())
    for _ in range(3):
        pilot.look(unsettled(catalog))
        answer_all(catalog, run)
    child = catalog.run("ill-fixed")
    assert child.summary["fork"]["step"] == 10
    assert Autopilot.of(child).parent == run.id, "the mark is there beside the fork's own"


def test_no_fix_that_was_not_verified_is_ever_applied(
    home: Home, catalog: SqlCatalog, run: RunRecord, suspects: list[Candidate]
) -> None:
    suspects[:] = [PIXELS, CENTRE]
    turns_bad(catalog, run)
    trials = Trials("worse", "could_not_run")
    pilot = Pilot(home, catalog, trials)
    for _ in range(4):
        pilot.look(unsettled(catalog))
        answer_all(catalog, run)
    assert trials.begun == ["input.range", "embedding.common_mode"]
    assert asked(catalog, run) == ["pause", "resume"]
    assert len(catalog.runs()) == 1
    assert of(catalog, run).phase is Phase.GIVEN_UP
    assert catalog.run(run.id).state is RunState.RUNNING


def test_a_run_that_broke_is_found_taken_back_and_queued(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    pilot = Pilot(home, catalog, Trials())
    pilot.look(unsettled(catalog))
    catalog.move_run(run.id, RunState.FAILED, error="NaN")
    turns_bad(catalog, run, "diverged")
    assert pilot.look(unsettled(catalog)), "there is work although no run goes"
    pilot.look([])
    queued = catalog.run(run.id)
    assert (queued.state, asked(catalog, run)) == (RunState.QUEUED, ["rewind", "set"])


def test_one_that_broke_while_nobody_looked_is_found_too(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    catalog.move_run(run.id, RunState.FAILED, error="NaN")
    turns_bad(catalog, run, "diverged")
    pilot = Pilot(home, catalog, Trials())
    pilot.look([])
    pilot.look([])
    assert catalog.run(run.id).state is RunState.QUEUED


def test_a_run_that_failed_for_another_reason_is_none_of_its_business(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    pilot = Pilot(home, catalog, Trials())
    pilot.look(unsettled(catalog))
    catalog.move_run(run.id, RunState.FAILED, error="The folder of images is gone.")
    assert not pilot.look([])
    assert catalog.run(run.id).state is RunState.FAILED and not story(home, run)


def test_of_many_that_look_at_once_one_takes_each_turn(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    turns_bad(catalog, run)
    ready = threading.Barrier(4)

    def looks() -> None:
        with closing(store.open_catalog(home.catalog_url)) as own:
            pilot = Pilot(home, own, Trials())
            ready.wait()
            for _ in range(5):
                pilot.look(unsettled(own))

    many = [threading.Thread(target=looks) for _ in range(4)]
    for one in many:
        one.start()
    for one in many:
        one.join()
    assert asked(catalog, run) == ["pause", "rewind", "set", "resume"]
    assert len([one for one in autopilot_story(home, run.id) if one.data.get("act")]) == 1


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it happens."""


def killed(*_: object, **__: object) -> bool:
    raise Killed


def dead_process(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    """Let what is kept say that a process which is dead by now took the last turn."""
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        by = identity_of(process.pid)
        process.kill()
    kept = catalog.run(run.id).summary[AUTOPILOT]
    after = replace(Autopilot.from_dict(kept), by=by).as_dict()
    assert catalog.turn_autopilot(run.id, kept, after, text="(killed)", step=0, data={})


def test_a_dispatcher_killed_before_the_trial_began_is_taken_over(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    turns_bad(catalog, run)
    with pytest.raises(Killed):
        Pilot(home, catalog, killed).look(unsettled(catalog))
    assert of(catalog, run).phase is Phase.PROVING
    trials = Trials()
    dead_process(home, catalog, run)
    Pilot(home, catalog, trials).look(unsettled(catalog))
    assert trials.begun == ["embedding.common_mode"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_dispatcher_killed_while_it_made_the_new_run_leaves_one_not_two(
    home: Home,
    catalog: SqlCatalog,
    run: RunRecord,
    suspects: list[Candidate],
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    suspects[:] = [PIXELS]
    turns_bad(catalog, run)
    pilot = Pilot(home, catalog, Trials())
    pilot.look(unsettled(catalog))
    answer_all(catalog, run)
    real: Callable[..., RunRecord] = Pilot._made

    def made(self: Pilot, one: object) -> RunRecord:
        if when == "after":
            real(self, one)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Pilot, "_made", made)
        pilot.look(unsettled(catalog))
    assert of(catalog, run).phase is Phase.APPLYING
    dead_process(home, catalog, run)
    Pilot(home, catalog, Trials()).look(unsettled(catalog))
    children = [one for one in catalog.runs() if one.parent_id == run.id]
    assert len(children) == 1
    assert (of(catalog, run).phase, of(catalog, run).child) == (Phase.HANDED_OVER, children[0].id)
    assert asked(catalog, run) == ["pause", "stop"]


def test_while_the_process_that_makes_the_new_run_lives_nobody_makes_another(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        pilot = Autopilot(Phase.APPLYING, acts=1, candidates=(PIXELS,), by=identity_of(process.pid))
        catalog.turn_autopilot(run.id, None, pilot.as_dict(), text="act", step=0, data={})
        Pilot(home, catalog, Trials()).look(unsettled(catalog))
        assert len(catalog.runs()) == 1
        process.kill()


def test_a_new_run_that_cannot_be_made_leaves_this_one_going(
    home: Home,
    catalog: SqlCatalog,
    run: RunRecord,
    suspects: list[Candidate],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suspects[:] = [PIXELS]
    turns_bad(catalog, run)
    pilot = Pilot(home, catalog, Trials())
    pilot.look(unsettled(catalog))
    answer_all(catalog, run)

    def refused(*_: object, **__: object) -> None:
        raise RequestError("Nothing is left to train.")

    monkeypatch.setattr("edgeft_core.autopilot.pilot.apply_remedy", refused)
    pilot.look(unsettled(catalog))
    assert asked(catalog, run) == ["pause", "resume"]
    assert of(catalog, run).reason == "Gives up: Nothing is left to train."


def test_a_full_disk_is_waited_for(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    turns_bad(catalog, run)

    def full(*_: object) -> bool:
        raise HomeError("No space is left.")

    with pytest.raises(HomeError):
        Pilot(home, catalog, full).look(unsettled(catalog))
    assert of(catalog, run).phase is Phase.PROVING


def test_switched_off_in_the_middle_of_a_trial_the_run_goes_on(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    turns_bad(catalog, run)
    pilot = Pilot(home, catalog, lambda *_: True)
    pilot.look(unsettled(catalog))
    answer_all(catalog, run)
    off = switch_off(home, run.id)
    assert (off.phase, off.reason) == (Phase.OFF, "Switched off by you.")
    assert asked(catalog, run) == ["pause", "resume"]
    answer_all(catalog, run)
    Trials()(home, run.id, CENTRE.remedy)
    pilot.look(unsettled(catalog))
    assert asked(catalog, run) == ["pause", "resume"], "what the trial found is nobody's business any more"
    assert switch_off(home, run.id) == off


def test_a_run_that_somebody_paused_themselves_stays_paused(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    turns_bad(catalog, run)
    pilot = Pilot(home, catalog, lambda *_: True)
    pilot.look(unsettled(catalog))
    answer_all(catalog, run)
    control.resume(home, run.id)
    answer_all(catalog, run)
    control.pause(home, run.id)
    answer_all(catalog, run)
    switch_off(home, run.id)
    assert asked(catalog, run) == ["pause"]


def test_it_is_off_unless_asked_for_and_switching_it_on_again_counts_anew(
    home: Home, catalog: SqlCatalog
) -> None:
    run = jobs.launch(home, PRESETS["smoke"](), name="plain")
    assert of(catalog, run) == Autopilot(Phase.OFF, 2)
    assert switch_on(home, "plain", max_acts=3).max_acts == 3
    assert switch_on(home, "plain").max_acts == 3, "the number stays unless another is given"
    assert switch_on(home, "plain", max_acts=1).reason == "Given at most one act by you."
    with pytest.raises(ConfigError, match="max_acts"):
        switch_on(home, "plain", max_acts=21)
    switch_off(home, "plain")
    assert switch_on(home, "plain").acts == 0


def test_a_run_that_has_ended_or_is_a_sweep_has_nothing_to_be_watched(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    catalog.move_run(run.id, RunState.STOPPED)
    with pytest.raises(TransitionError, match="is stopped; resume or restart it"):
        switch_on(home, run.id)


def test_a_replay_does_what_was_done_and_nothing_by_itself(home: Home, run: RunRecord) -> None:
    assert not replay(home, run.id).config.autopilot.enabled


def test_what_it_did_outlasts_the_rewind_that_it_asked_for(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    turns_bad(catalog, run)
    pilot = Pilot(home, catalog, Trials())
    pilot.look(unsettled(catalog))
    catalog.add_history(run.id, "rewound", "taken back from step 40 to step 10", step=10, data={})
    assert [one.step for one in markers(home, run.id) if one.kind == "verdict"] == [1]
    assert run_status(home, run.id).autopilot.phase is Phase.PROVING
    assert len(story(home, run)) == 1


def test_the_newest_checkpoint_is_taken_at_which_nothing_was_wrong(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    checkpoints = catalog.checkpoints(run.id)
    watched = [VerdictSpan("learning", 1, 8), VerdictSpan("watch", 8, 20), VerdictSpan("collapsed", 20, 40)]
    assert newest_healthy(checkpoints, watched) == 0, "a watch is no health"
    assert (
        newest_healthy(checkpoints, [VerdictSpan("healthy", 1, 25), VerdictSpan("collapsed", 25, 40)]) == 10
    )
    assert newest_healthy(checkpoints, []) == 30, "no verdict yet is no trouble"
    assert newest_healthy([], watched) is None
