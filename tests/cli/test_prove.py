"""``prove`` and ``apply`` on the command line: a real trial, the run that gets the fix, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeft_core import jobs
from edgeft_core.cli.prove import told
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.proving import proof_of
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import PRESETS
from edgeft_core.proof.kept import write_proof
from edgeft_core.proof.record import Proof, Remedy
from edgeft_core.settings import DEMO_WEIGHTS, Home
from edgeft_core.store.catalog import SqlCatalog
from tests.cli.conftest import Command
from tests.pages.test_proof_panel import RANGE, proof, wrong_pixels

FIX = ("--set", "data.normalisation=minus_one_to_one")


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)


def kept(home: Home, run_id: str, found: Proof) -> None:
    write_proof(home.run_folder(run_id), found)


@pytest.mark.slow
@pytest.mark.skipif(not DEMO_WEIGHTS.is_file(), reason="the demo weights are not there")
def test_a_fix_is_tried_told_and_given_to_a_new_run(edgeft: Command, home: Home, catalog: SqlCatalog) -> None:
    small = {"data.identities": 20, "data.images_per_identity": 8, "data.workers": 0, "stages.0.epochs": 100}
    run = jobs.launch(home, with_values(PRESETS["collapse-demo"](), small), name="ill")
    tried = edgeft("prove", "ill", *FIX, "--json")
    assert tried.code == 0, tried
    found = proof_of(home, run.id, "custom")
    assert found is not None
    assert tried.json == {"run": run.id, **found.as_dict()}, "what is printed is what is kept"
    assert found.outcome == "verified", (found.sentence, found.reasons)
    assert found.sentence.startswith("Fix verified: largest class ")
    assert "Steps of both" in tried.err, "progress goes to standard error"
    done = edgeft("apply", "ill", "--name", "well", "--json").json
    fixed = catalog.run("well")
    assert (done["run"], done["name"], done["way"]) == (fixed.id, "well", "restart")
    assert done["changes"] == {"data.normalisation": "minus_one_to_one"}
    assert (fixed.parent_id, fixed.config.data.normalisation) == (run.id, "minus_one_to_one")
    reasons = [one.text for one in catalog.history(fixed.id) if one.kind == "fix"]
    assert reasons == [f"proof: {found.sentence}"]


def test_the_latest_verified_fix_is_applied_where_no_cause_is_given(
    edgeft: Command, home: Home, catalog: SqlCatalog
) -> None:
    run = wrong_pixels(home)
    kept(home, run.id, replace(proof(), remedy=Remedy("lr.too_high"), outcome="worse"))
    kept(home, run.id, proof())
    told = edgeft("apply", run.name)
    assert told.code == 0
    assert told.out.startswith("recorded-fixed starts from the beginning, with data.normalisation")
    assert catalog.run("recorded-fixed").config.data.normalisation == "minus_one_to_one"


def test_a_live_fix_is_one_request_to_the_running_job(
    edgeft: Command, home: Home, catalog: SqlCatalog
) -> None:
    run = wrong_pixels(home, RunState.RUNNING)
    centred = Remedy("embedding.common_mode", live={"head.centre": True})
    kept(home, run.id, replace(proof(), remedy=centred))
    told = edgeft("apply", run.id, "--cause", centred.cause, "--timeout", "0", "--json").json
    assert (told["run"], told["way"], told["outcome"]) == (run.id, "set", "pending")
    asked = [one for one in catalog.pending_commands(run.id) if one.requested_by == "proof"]
    assert [(one.kind, dict(one.changes)) for one in asked] == [("set", {"head.centre": True})]
    assert len(catalog.runs()) == 1


def test_the_run_is_ended_first_if_asked(edgeft: Command, home: Home, catalog: SqlCatalog) -> None:
    run = wrong_pixels(home, RunState.RUNNING)
    kept(home, run.id, proof())
    assert edgeft("apply", run.id, "--stop", "--timeout", "0").code == 0
    assert "stop" in [one.kind for one in catalog.pending_commands(run.id) if one.requested_by == "proof"]
    assert catalog.run("recorded-fixed").parent_id == run.id


@pytest.mark.parametrize("outcome", ["no_effect", "worse", "could_not_run"])
def test_a_fix_that_was_not_verified_needs_insistence(
    edgeft: Command, home: Home, catalog: SqlCatalog, outcome: str
) -> None:
    run = wrong_pixels(home)
    kept(home, run.id, Proof.from_dict({**proof().as_dict(), "outcome": outcome, "sentence": "No use."}))
    refused = edgeft("apply", run.id, "--cause", RANGE.cause, "--json")
    assert refused.code == 2
    assert refused.json["error"] == (
        "The fix of input.range was not verified (No use); apply it all the same with --anyway."
    )
    assert len(catalog.runs()) == 1, "nothing was done"
    assert edgeft("apply", run.id, "--cause", RANGE.cause, "--anyway").code == 0
    assert len(catalog.runs()) == 2


def test_what_was_not_tried_is_refused_with_the_command_that_tries_it(edgeft: Command, home: Home) -> None:
    run = wrong_pixels(home)
    for cause, command in (
        ("", "--cause ID"),
        ("lr.too_high", "--cause lr.too_high"),
        ("custom", "--set KEY"),
    ):
        words = ("--cause", cause) if cause else ()
        refused = edgeft("apply", run.id, *words, "--json")
        assert refused.code == 2
        assert "nothing was tried so far" in refused.json["error"]
        assert f"prove {run.id} {command}" in refused.json["error"]
    kept(home, run.id, proof())
    assert "tried so far: input.range" in edgeft("apply", run.id, "--cause", "custom", "--json").json["error"]


def test_what_cannot_be_asked_is_refused_in_a_sentence(edgeft: Command, home: Home) -> None:
    run = wrong_pixels(home)
    for verb, words, sentence in (
        ("prove", ("nobody",), "nobody"),
        ("apply", ("nobody",), "nobody"),
        ("prove", (run.id, "--set", "oops"), "write key=value"),
        ("prove", (run.id, "--cause", "no.such"), "does not name no.such; it names input.range"),
        ("apply", (run.id, "--timeout", "-1"), "--timeout"),
    ):
        refused = edgeft(verb, *words, "--json")
        assert refused.code == 2, (verb, words)
        assert sentence in refused.json["error"]
    unknown = edgeft("prove", run.id, "--set", "head.scael=8", "--json")
    assert unknown.code == 2
    assert "did you mean head.scale?" in unknown.json["error"]


def test_a_run_whose_causes_have_no_settings_says_so(edgeft: Command, home: Home) -> None:
    run = jobs.launch(home, PRESETS["smoke"](), name="new")
    assert "names no fix that could be tried" in edgeft("prove", run.name, "--json").json["error"]


def test_a_fix_that_could_not_be_tried_is_kept_and_returns_one(edgeft: Command, home: Home) -> None:
    run = wrong_pixels(home)
    for setting, sentence in (
        ("data.normalisation=none", "is in force already"),
        ("data.identities=9", "other images"),
    ):
        answer = edgeft("prove", run.id, "--set", setting, "--json")
        assert answer.code == 1
        assert answer.json["outcome"] == "could_not_run"
        assert sentence in answer.json["sentence"]
        kept_proof = proof_of(home, run.id, "custom")
        assert kept_proof is not None
        assert kept_proof.sentence == answer.json["sentence"]


def test_what_is_printed_ends_with_the_command_that_applies_it() -> None:
    lines = told(proof(), "ill").splitlines()
    assert lines[0] == proof().sentence
    assert "  Top-5 of 1024 training images: clearly better." in lines
    assert any(
        line.startswith("  Tried: data.normalisation=minus_one_to_one, from the beg") for line in lines
    )
    assert lines[-1] == "Apply it with: python -m edgeft_core apply ill --cause input.range"
    assert "Apply it" not in told(replace(proof(), outcome="worse"), "ill")
