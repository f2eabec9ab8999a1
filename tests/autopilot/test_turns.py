"""What the autopilot decides, without a run: every phase, every way out of it, and what it never does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeft_core.autopilot.record import AT_WORK, TRANSITIONS, Autopilot, Candidate, Phase
from edgeft_core.autopilot.turns import Outcome, Trial, Trouble, Turn, decide
from edgeft_core.errors import TransitionError
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.proof.record import OUTCOMES, Proof, Remedy
from edgeft_core.store.contract import ProcessIdentity

CENTRE = Candidate(
    Remedy("embedding.common_mode", live={"head.centre": True}), 0.7, "Centre embeddings off \u2192 on"
)
PIXELS = Candidate(
    Remedy("input.range", restart={"data.normalisation": "minus_one_to_one"}), 0.94, "Normalisation mended"
)
COLLAPSED = Trouble("collapsed", 120)
WATCHING = Autopilot(Phase.WATCHING, max_acts=2)


@dataclass
class World:
    """Everything that there is to see, as a test wants it."""

    state: RunState = RunState.RUNNING
    step: int = 200
    paused_by_autopilot: bool = False
    bad: Trouble | None = COLLAPSED
    fixes: tuple[Candidate, ...] = (PIXELS, CENTRE)
    going: Trial = field(default_factory=lambda: Trial("not begun"))
    healthy: int | None = 100
    came_of_it: Outcome = field(default_factory=lambda: Outcome(settled=False))

    def trouble(self) -> Trouble | None:
        return self.bad

    def candidates(self) -> Sequence[Candidate]:
        return self.fixes

    def mark(self, candidate: Candidate) -> str:
        return candidate.remedy.cause

    def trial(self, candidate: Candidate, mark: str) -> Trial:
        assert mark == candidate.remedy.cause, "it looks for the trial that it began"
        return self.going

    def is_live(self, remedy: Remedy) -> bool:
        return not remedy.restart

    def healthy_step(self) -> int | None:
        return self.healthy

    def newest_command(self) -> int:
        return 7

    def outcome(self, after_command: int) -> Outcome:
        return self.came_of_it


def tried(candidate: Candidate, outcome: str, sentence: str = "Fix verified: 5 to 300 classes.") -> Trial:
    return Trial("done", Proof(candidate.remedy, outcome, sentence))  # type: ignore[arg-type]


def proving(*candidates: Candidate, acts: int = 0) -> Autopilot:
    mark = candidates[0].remedy.cause
    return replace(WATCHING, phase=Phase.PROVING, candidates=candidates, mark=mark, acts=acts)


def turned(pilot: Autopilot, world: World) -> Turn:
    turn = decide(pilot, world)
    assert turn is not None
    return turn


def kinds(turn: Turn) -> list[str]:
    return [one.kind for one in turn.requests]


def test_a_collapse_pauses_the_run_and_tries_the_likeliest_fix() -> None:
    turn = turned(WATCHING, World())
    assert (turn.pilot.phase, turn.pilot.candidates, kinds(turn)) == (
        Phase.PROVING,
        (PIXELS, CENTRE),
        ["pause"],
    )
    reason = "Collapsed since step 120: tries Normalisation mended, the fix of input.range (94 %)."
    assert turn.pilot.reason == reason
    assert (turn.act, turn.pilot.acts) == (0, 0), "a trial changes nothing, so it is no act"


@pytest.mark.parametrize("state", [one for one in RunState if one not in {RunState.RUNNING, RunState.FAILED}])
def test_a_run_that_does_not_go_is_not_touched(state: RunState) -> None:
    assert decide(WATCHING, World(state=state)) is None


def test_nothing_happens_while_the_verdict_is_no_trouble() -> None:
    assert decide(WATCHING, World(bad=None)) is None


def test_a_collapse_whose_causes_have_no_fix_is_left_alone_with_a_sentence() -> None:
    turn = turned(WATCHING, World(fixes=()))
    assert (turn.pilot.phase, turn.requests) == (Phase.GIVEN_UP, ())
    assert "no likely cause has a fix that could be tried" in turn.pilot.reason


def test_after_its_last_act_it_gives_up() -> None:
    turn = turned(replace(WATCHING, acts=2), World())
    assert turn.pilot.phase is Phase.GIVEN_UP
    assert turn.pilot.reason == "Collapsed since step 120, and it has acted 2 times: no more is allowed."


@pytest.mark.parametrize("trial", [Trial("not begun"), Trial("goes")])
def test_it_waits_for_a_trial(trial: Trial) -> None:
    assert decide(proving(CENTRE), World(going=trial)) is None


def test_a_live_fix_that_is_proven_is_put_in_force_at_the_last_healthy_checkpoint() -> None:
    world = World(RunState.PAUSED, paused_by_autopilot=True, going=tried(CENTRE, "verified"))
    turn = turned(proving(CENTRE), world)
    assert (turn.pilot.phase, turn.act, turn.pilot.acts, turn.pilot.to_step) == (Phase.APPLYING, 1, 1, 100)
    assert kinds(turn) == ["rewind", "set", "resume"]
    assert (turn.requests[0].options, turn.requests[1].changes) == ({"to_step": 100}, {"head.centre": True})
    reason = (
        "Act 1 of 2: back to step 100, and Centre embeddings off \u2192 on. Fix verified: 5 to 300 classes."
    )
    assert turn.pilot.reason == reason
    assert turn.data["proof"] == "Fix verified: 5 to 300 classes."


def test_a_run_that_broke_goes_back_into_the_queue_for_its_fix() -> None:
    diverged = Trouble("diverged", 120)
    turn = turned(proving(CENTRE), World(RunState.FAILED, bad=diverged, going=tried(CENTRE, "verified")))
    assert (kinds(turn), turn.requeue) == (["rewind", "set"], True)


def test_a_fix_that_needs_another_run_leaves_this_one_alone_until_that_one_is_there() -> None:
    world = World(RunState.PAUSED, paused_by_autopilot=True, going=tried(PIXELS, "verified"))
    turn = turned(proving(PIXELS), world)
    assert (turn.pilot.phase, turn.act, turn.pilot.to_step, turn.requests) == (Phase.APPLYING, 1, None, ())
    assert decide(turn.pilot, world) is None


@pytest.mark.parametrize("outcome", [one for one in OUTCOMES if one != "verified"])
def test_a_fix_that_is_not_verified_makes_room_for_the_next(outcome: str) -> None:
    turn = turned(proving(PIXELS, CENTRE), World(going=tried(PIXELS, outcome, "No effect.")))
    assert (turn.pilot.phase, turn.pilot.candidates, turn.requests) == (Phase.PROVING, (CENTRE,), ())
    assert turn.pilot.reason.startswith("No effect. Tries Centre embeddings")
    assert turn.pilot.tried == ("Normalisation mended: No effect.",)


def test_when_none_is_verified_the_run_goes_on_as_it_was() -> None:
    world = World(RunState.PAUSED, paused_by_autopilot=True, going=Trial("broke", error="It was killed."))
    turn = turned(replace(proving(CENTRE), tried=("Normalisation mended: No effect.",)), world)
    assert (turn.pilot.phase, turn.pilot.acts, kinds(turn)) == (Phase.GIVEN_UP, 0, ["resume"])
    reason = (
        "It was killed. Gives up: none of the 2 fixes that were tried was proven. The run goes on as it was."
    )
    assert turn.pilot.reason == reason


def test_it_waits_while_somebody_else_has_paused_the_run() -> None:
    paused = World(RunState.PAUSED, going=tried(CENTRE, "verified"))
    assert decide(proving(CENTRE), paused) is None
    assert decide(proving(CENTRE), replace(paused, state=RunState.QUEUED)) is None


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.FINISHED, RunState.LOST])
def test_a_run_that_ends_during_a_trial_is_left_as_it_is(state: RunState) -> None:
    turn = turned(proving(CENTRE), World(state, going=tried(CENTRE, "verified")))
    assert (turn.pilot.phase, turn.requests) == (Phase.GIVEN_UP, ())
    assert turn.pilot.reason == f"The run is {state} before a fix was proven."


def test_trouble_that_is_over_by_itself_needs_no_fix() -> None:
    world = World(RunState.PAUSED, paused_by_autopilot=True, bad=None, going=tried(CENTRE, "verified"))
    turn = turned(proving(CENTRE), world)
    assert (turn.pilot.phase, turn.pilot.acts, kinds(turn)) == (Phase.WATCHING, 0, ["resume"])


def test_without_a_checkpoint_from_before_the_trouble_it_gives_up() -> None:
    turn = turned(proving(CENTRE), World(healthy=None, going=tried(CENTRE, "verified")))
    assert (turn.pilot.phase, turn.pilot.acts) == (Phase.GIVEN_UP, 0)
    assert turn.pilot.reason.endswith("no checkpoint from before the trouble is left to go back to.")


def test_a_fix_in_force_is_watched_and_a_refused_one_is_told() -> None:
    applying = replace(proving(CENTRE, acts=1), phase=Phase.APPLYING, to_step=100)
    assert decide(applying, World()) is None
    done = turned(applying, World(came_of_it=Outcome(settled=True, step=101))).pilot
    assert (done.phase, done.candidates) == (Phase.WATCHING, ())
    assert done.reason == "Centre embeddings off \u2192 on: in force from step 101 on. It may act once more."
    refused = turned(applying, World(came_of_it=Outcome(settled=True, refused="out of bounds.")))
    assert refused.pilot.reason == "The proven fix was refused: out of bounds."


@pytest.mark.parametrize("phase", [one for one in Phase if one not in AT_WORK | {Phase.WATCHING}])
def test_switched_off_given_up_or_handed_over_it_never_does_anything(phase: Phase) -> None:
    for state in RunState:
        assert (
            decide(replace(proving(CENTRE), phase=phase), World(state, going=tried(CENTRE, "verified")))
            is None
        )


@pytest.mark.parametrize("phase", list(Phase))
def test_the_table_is_the_only_way_from_phase_to_phase(phase: Phase) -> None:
    pilot = replace(WATCHING, phase=phase)
    for target in Phase:
        if target in TRANSITIONS[phase]:
            assert pilot.turn(target, "so").phase is target
        else:
            with pytest.raises(TransitionError, match=f"is {phase} and cannot become {target}"):
                pilot.turn(target, "so")


def test_what_is_kept_reads_as_it_was_written() -> None:
    by = ProcessIdentity(12, 34.5, "here", "boot")
    kept = replace(
        proving(PIXELS, CENTRE, acts=1), tried=("that",), to_step=0, by=by, child="c", parent="p", act=1
    )
    assert Autopilot.from_dict(kept.as_dict()) == kept
    assert Autopilot.from_dict({"phase": "of a newer version"}).phase is Phase.OFF


trials = st.one_of(
    st.sampled_from([Trial("not begun"), Trial("goes"), Trial("broke", error="It died.")]),
    st.sampled_from(OUTCOMES).map(lambda one: tried(CENTRE, one)),
)
worlds = st.builds(
    World,
    state=st.sampled_from(list(RunState)),
    paused_by_autopilot=st.booleans(),
    bad=st.sampled_from([None, COLLAPSED, Trouble("diverged", 3)]),
    fixes=st.lists(st.sampled_from([PIXELS, CENTRE]), max_size=3).map(tuple),
    going=trials,
    healthy=st.sampled_from([None, 0, 100]),
    came_of_it=st.sampled_from(
        [Outcome(settled=False), Outcome(settled=True, step=9), Outcome(settled=True, refused="No.")]
    ),
)
switches = st.sampled_from(["on", "off", "hand over", *(["leave"] * 7)])


@given(st.lists(st.tuples(switches, worlds), max_size=60), st.integers(1, 3))
def test_whatever_comes_it_never_acts_more_often_than_allowed_nor_without_a_word_nor_when_off(
    days: list[tuple[str, World]], most: int
) -> None:
    pilot, told = Autopilot(Phase.WATCHING, max_acts=most), list[Turn]()
    acted = 0
    for switch, world in days:
        if switch == "off" and Phase.OFF in TRANSITIONS[pilot.phase]:
            pilot = pilot.turn(Phase.OFF, "off")
        elif switch == "on" and not pilot.is_on:
            pilot, acted = pilot.turn(Phase.WATCHING, "on", acts=0, candidates=()), 0
        elif switch == "hand over" and pilot.phase is Phase.APPLYING and pilot.to_step is None:
            pilot = pilot.turn(Phase.HANDED_OVER, "there")
        turn = decide(pilot, world)
        if turn is None:
            continue
        assert pilot.is_on
        assert turn.pilot.reason and turn.pilot.phase in TRANSITIONS[pilot.phase]
        changes_the_run = bool({"rewind", "set"} & set(kinds(turn))) or turn.pilot.phase is Phase.APPLYING
        assert changes_the_run == bool(turn.act)
        if turn.act:
            acted += 1
            told.append(turn)
            assert world.going.proof is not None and world.going.proof.outcome == "verified"
            assert turn.data["act"] == acted and turn.data["proof"] == world.going.proof.sentence
        assert turn.pilot.acts == acted <= most
        paused = world.paused_by_autopilot and world.state in ACTIVE
        if turn.pilot.phase in {Phase.GIVEN_UP, Phase.WATCHING} and pilot.phase is Phase.PROVING:
            assert ("resume" in kinds(turn)) == paused, "what it paused goes on"
        pilot = turn.pilot
