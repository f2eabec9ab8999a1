"""A fix tried beside a run: its own process, progress, a result in the run's folder, and a sentence whatever fails."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.errors import UnknownRunError
from edgeft_core.jobs.proving import Proving, proof_of, prove, proving, share_done, start_proof
from edgeft_core.presets import PRESETS
from edgeft_core.proof import limits
from edgeft_core.proof.kept import FOLDER
from edgeft_core.proof.record import Remedy
from edgeft_core.proof.trial import Trial
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord
from tests.jobs.conftest import processes_of
from tests.jobs.test_forking import saved

MODULE = "edgeft_core.jobs.proving"
SLOWER = Remedy("lr.too_high", live={"stages.0.head_lr": 1e-4})
REWIND = Remedy("head.collapsed", live={"stages.0.head_lr": 1e-4}, rewind=True)


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)


def small(**values: object) -> RunConfig:
    named = {
        "data.identities": 20,
        "data.image_px": 32,
        "data.low_res_px": 16,
        "backbone.weights": "none",
        "stages.0.epochs": 30,
    }
    return with_values(PRESETS["smoke"](), {**named, **values})


@pytest.fixture
def run(home: Home) -> RunRecord:
    return jobs.launch(home, small())


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Trials that were asked for; none is run."""
    asked: list[dict[str, Any]] = []

    def trial(chosen: object, **options: Any) -> Trial:
        start = options["start"]
        asked.append({**options, "start": start and start.read_text(), "folder": options["folder"].exists()})
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr("edgeft_core.proof.trial.run_trial", trial)
    return asked


@pytest.mark.slow
def test_a_process_of_its_own_tries_the_fix_and_leaves_the_result(
    home: Home, run: RunRecord, catalog: SqlCatalog
) -> None:
    before = catalog.run(run.id)
    assert start_proof(home, run.name, SLOWER)
    told = proving(home, run.id)
    assert (told.running, told.cause) == (True, "lr.too_high"), (
        "at once, before the process has said anything"
    )
    assert not start_proof(home, run.id, SLOWER), "one at a time"
    assert len(processes_of(home, MODULE)) == 1
    seen = []
    deadline = time.monotonic() + 900  # seconds where nothing else runs
    while proving(home, run.id).running and time.monotonic() < deadline:
        seen.append(proving(home, run.id))
        time.sleep(0.1)
    proof = proof_of(home, run.id, "lr.too_high")
    assert proof is not None, proving(home, run.id).error
    assert proof.outcome in {"no_effect", "worse", "verified"}, proof.sentence
    assert proof.steps >= limits.STEPS_LEAST
    assert proof.start_text == "from the beginning, for there is no checkpoint yet"
    assert {one.what.split(",")[0] for one in seen} > {"Opening the run", "Steps of both"}
    assert [one.share for one in seen] == sorted(one.share for one in seen), "it only goes forward"
    assert not (home.run_folder(run.id) / FOLDER / "work").exists(), "the twins are gone"
    assert catalog.run(run.id) == before, "the run is as it was"
    assert not home.metrics_file(run.id).exists()


@pytest.mark.slow
def test_a_process_that_was_killed_is_not_running(home: Home, run: RunRecord) -> None:
    start_proof(home, run.id, SLOWER)
    for process in processes_of(home, MODULE):
        process.kill()
        process.wait(20)
    assert "ended without a word" in proving(home, run.id).error
    assert not proving(home, run.id).running


def test_a_trial_that_breaks_is_a_sentence(home: Home, run: RunRecord, trials: list[dict[str, Any]]) -> None:
    proof = prove(home, run.id, SLOWER)
    assert (proof.outcome, proof.sentence) == (
        "could_not_run",
        "Could not be tried: ZeroDivisionError: surprise",
    )
    assert proof_of(home, run.id, "lr.too_high") == proof
    assert trials[0]["folder"], "it had a folder to work in"
    assert not proving(home, run.id).running


@pytest.mark.usefixtures("trials")
def test_what_cannot_be_tried_is_a_sentence(home: Home, run: RunRecord, catalog: SqlCatalog) -> None:
    assert "this fix is no setting" in prove(home, run.id, Remedy("labels.shuffled")).sentence
    record = saved(home, catalog, run, "last", 3)
    (home.run_folder(run.id) / record.path).write_bytes(b"other")
    assert "step 3 is damaged or gone" in prove(home, run.id, SLOWER).sentence
    with pytest.raises(UnknownRunError):
        prove(home, "nobody", SLOWER)
    with pytest.raises(UnknownRunError):
        start_proof(home, "nobody", SLOWER)
    assert proving(home, "nobody") == Proving()


def test_twins_start_from_the_newest_checkpoint_or_from_one_before_the_trouble(
    home: Home, run: RunRecord, catalog: SqlCatalog, trials: list[dict[str, Any]]
) -> None:
    for kind, step in (("manual", 10), ("best", 20), ("last", 30)):
        saved(home, catalog, run, kind, step)
    catalog.heartbeat(run.id, {"verdict": "collapsed", "verdict_since": 20, "steps_total": 1000})
    prove(home, run.id, SLOWER)
    prove(home, run.id, REWIND)
    prove(home, run.id, Remedy("input.range", restart={"data.normalisation": "imagenet"}))
    catalog.heartbeat(run.id, {"verdict": "healthy"})
    prove(home, run.id, REWIND)
    catalog.heartbeat(run.id, {"steps_total": 30 + limits.STEPS - 1})
    prove(home, run.id, SLOWER)
    assert [one["start"] for one in trials] == [
        "last at 30",
        "manual at 10",
        None,
        "last at 30",
        "best at 20",
    ]


def test_a_full_disk_is_a_sentence(home: Home, run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> Trial:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgeft_core.proof.trial.run_trial", full)
    assert "No space left on device" in prove(home, run.id, SLOWER).sentence


def test_a_run_that_is_deleted_meanwhile_ends_the_trial(
    home: Home, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(*_: object, **__: object) -> Trial:
        shutil.rmtree(home.run_folder(run.id))
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr("edgeft_core.proof.trial.run_trial", delete)
    with pytest.raises(UnknownRunError, match="deleted while a fix was tried"):
        prove(home, run.id, SLOWER)
    assert not home.run_folder(run.id).exists()


def test_data_that_has_gone_is_a_sentence(home: Home, tmp_path: Path) -> None:
    people = tmp_path / "people"
    people.mkdir()
    run = jobs.launch(home, small(**{"data.source": str(people)}))
    people.rmdir()
    assert "There is no folder" in prove(home, run.id, SLOWER).sentence


def test_what_is_told_places_a_trial_between_its_beginning_and_its_end() -> None:
    assert share_done("Opening the run", 0, 1) == 0.0
    assert share_done("Steps of both", 125, 250) == pytest.approx(0.6)
    assert share_done("Embedding validation images, with the fix", 5, 10) == 0.0, "somewhere in between"
    assert Proving(running=True, share=0.6, elapsed_s=30.0).left_s == pytest.approx(20.0)
    assert Proving(running=True, elapsed_s=10.0).left_s == limits.BUDGET_CPU_S - 10.0
