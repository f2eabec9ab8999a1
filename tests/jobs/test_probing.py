"""Probes beside a run: their own process, results as they come, and a sentence whatever goes wrong."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import psutil
import pytest

from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.kept import read_probes, write_probes
from edgeft_core.diagnostics.probes import PROBES
from edgeft_core.errors import RequestError, UnknownRunError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs import probing
from edgeft_core.jobs.probing import Probing, run_probes, start_probes
from edgeft_core.presets import PRESETS
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord
from tests.jobs.conftest import processes_of

MODULE = "edgeft_core.jobs.probing"
QUICK = ("nonfinite", "train_eval")


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)


def small(**values: object) -> RunConfig:
    named = {"data.identities": 10, "data.image_px": 64, "backbone.weights": "none", "threads": 1}
    return with_values(PRESETS["smoke"](), {**named, **values})


@pytest.fixture
def run(home: Home) -> RunRecord:
    """A run that never began: its first weights are what there is."""
    return jobs.launch(home, small())


def awaited(home: Home, run_id: str, seconds: float = 180.0) -> list[Probing]:
    """What a page would see, until the probes end."""
    seen: list[Probing] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen.append(probing.probing(home, run_id))
        if not seen[-1].running:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"still at {seen[-1].what}")


@pytest.mark.slow
def test_all_probes_run_in_one_process_and_results_come_one_by_one(home: Home, run: RunRecord) -> None:
    assert start_probes(home, run.name)
    assert probing.probing(home, run.id).running, "at once, before the process has said anything"
    assert not start_probes(home, run.id), "one process at a time"
    seen = awaited(home, run.id)
    last = seen[-1]
    assert not last.error
    assert (last.done, last.total) == (len(PROBES), len(PROBES))
    assert list(last.results) == list(PROBES)
    assert len({len(one.results) for one in seen}) > 2, "they came one by one"
    assert {name for name, result in last.results.items() if result.error} == {"parameters"}
    assert all(result.text and result.took_s > 0 for result in last.results.values() if not result.error)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="priorities are named otherwise")
def test_the_process_steps_back_behind_the_run(home: Home, run: RunRecord) -> None:
    start_probes(home, run.id, QUICK)
    deadline = time.monotonic() + 60
    niceness = 0
    while niceness == 0 and time.monotonic() < deadline:
        for process in processes_of(home, MODULE):
            try:
                niceness = max(niceness, process.nice())
            except psutil.NoSuchProcess:
                continue
    assert niceness == 10
    assert not awaited(home, run.id)[-1].error


def test_some_probes_leave_the_results_of_the_others(home: Home, run: RunRecord) -> None:
    kept = ProbeResult("labels", {"x": 1.0}, "Earlier.", 0.5)
    write_probes(home.run_folder(run.id), {"labels": kept})
    told: list[tuple[str, int, int]] = []
    found = run_probes(home, run.id, QUICK, lambda *one: told.append(one))
    assert list(found) == list(QUICK)
    stored = read_probes(home.run_folder(run.id))
    assert stored["labels"] == kept
    assert stored["nonfinite"].values["nonfinite"] == 0
    assert told[-1] == ("Probes", 2, 2)
    state = probing.probing(home, run.id)
    assert (state.running, state.done, state.total) == (False, 2, 2)


def test_values_that_were_changed_live_are_in_force(
    home: Home, run: RunRecord, catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = catalog.add_command(run.id, ControlRequest(0, "set", {"head.scale": 3.5}), requested_by="test")
    catalog.settle_command(command.id, "applied", step=1, reason="", previous={})
    scales: list[float] = []
    probe = PROBES["nonfinite"]

    def watched(context, tell):  # type: ignore[no-untyped-def]
        scales.append(context.config.head.scale)
        return probe(context, tell)

    monkeypatch.setitem(PROBES, "nonfinite", watched)
    run_probes(home, run.id, ["nonfinite"])
    assert scales == [3.5]


def test_a_probe_that_breaks_says_so_and_the_others_go_on(
    home: Home, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> ProbeResult:
        raise ZeroDivisionError("surprise")

    monkeypatch.setitem(PROBES, "nonfinite", broken)
    found = run_probes(home, run.id, QUICK)
    assert found["nonfinite"].error == "ZeroDivisionError: surprise"
    assert not found["train_eval"].error


def test_too_little_memory_is_a_sentence(home: Home, run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> ProbeResult:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: not enough memory")

    monkeypatch.setitem(PROBES, "nonfinite", greedy)
    assert "not enough free memory" in run_probes(home, run.id, ["nonfinite"])["nonfinite"].error


def test_data_that_has_gone_is_a_sentence_in_every_result(home: Home, tmp_path: Path) -> None:
    people = tmp_path / "people"
    people.mkdir()
    run = jobs.launch(home, small(**{"data.source": str(people)}))
    people.rmdir()
    found = run_probes(home, run.id, QUICK)
    assert all("There is no folder" in result.error for result in found.values())
    assert not probing.probing(home, run.id).running


def test_a_broken_checkpoint_is_a_sentence(home: Home, run: RunRecord) -> None:
    checkpoint = home.run_folder(run.id) / "checkpoints" / "last.pt"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"half a file")
    found = run_probes(home, run.id, ["nonfinite"])
    assert "cannot be read" in found["nonfinite"].error


def test_a_run_that_is_deleted_meanwhile_ends_the_probes(
    home: Home, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(*_: object) -> ProbeResult:
        shutil.rmtree(home.run_folder(run.id))
        return ProbeResult("nonfinite", {"nonfinite": 0.0}, "Fine.")

    monkeypatch.setitem(PROBES, "nonfinite", delete)
    with pytest.raises(UnknownRunError, match="deleted while its probes ran"):
        run_probes(home, run.id, QUICK)
    assert not home.run_folder(run.id).exists(), "nothing of it comes back"


@pytest.mark.slow
def test_a_process_that_was_killed_is_not_running(home: Home, run: RunRecord) -> None:
    start_probes(home, run.id, QUICK)
    for process in processes_of(home, MODULE):
        process.kill()
    state = awaited(home, run.id, 20.0)[-1]
    assert "ended without a word" in state.error
    assert start_probes(home, run.id, QUICK), "it can be tried again"
    assert not awaited(home, run.id)[-1].error


def test_wrong_names_are_told_with_the_right_ones(home: Home, run: RunRecord) -> None:
    with pytest.raises(RequestError, match="no probe luck; there are nonfinite, parameters"):
        run_probes(home, run.id, ["luck"])
    with pytest.raises(UnknownRunError):
        start_probes(home, "nobody")
    assert probing.probing(home, "nobody") == Probing()


@pytest.mark.slow
def test_a_process_that_is_asked_for_nonsense_leaves_word(home: Home, run: RunRecord) -> None:
    start_probes(home, run.id, ["luck"])
    assert "There is no probe luck" in awaited(home, run.id)[-1].error
