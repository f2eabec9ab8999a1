"""Forks: which checkpoint they set out from, what they refuse, and that they go on as their parent did."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgeft_core import jobs
from edgeft_core.errors import ConfigError, RequestError, UnknownRunError, WeightsError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs import forking
from edgeft_core.jobs.checkpoints import at_or_before
from edgeft_core.jobs.forking import Origin, fork
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import PRESETS
from edgeft_core.settings import START_CHECKPOINT, Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import CheckpointRecord, ProcessIdentity, RunRecord


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)


@pytest.fixture
def parent(home: Home) -> RunRecord:
    return jobs.launch(home, PRESETS["smoke"](), name="parent")


def saved(home: Home, catalog: SqlCatalog, run: RunRecord, kind: str, step: int) -> CheckpointRecord:
    """A checkpoint of a few bytes: forking reads none of them, it only counts and compares them."""
    path = f"checkpoints/{kind}-{step}.pt" if kind == "manual" else f"checkpoints/{kind}.pt"
    content = f"{kind} at {step}".encode()
    file = home.run_folder(run.id) / path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    record = CheckpointRecord(0, run.id, step, kind, path, digest, len(content), datetime.now(UTC))  # type: ignore[arg-type]
    return catalog.add_checkpoint(record)


def start_of(home: Home, run: RunRecord) -> str:
    return (home.run_folder(run.id) / START_CHECKPOINT).read_text()


def test_a_fork_sets_out_from_the_newest_checkpoint_at_or_before_a_step(
    home: Home, catalog: SqlCatalog, parent: RunRecord
) -> None:
    for kind, step in (("manual", 10), ("best", 20), ("last", 30)):
        saved(home, catalog, parent, kind, step)
    assert start_of(home, fork(home, "parent")) == "last at 30"
    assert start_of(home, fork(home, "parent", at=29)) == "best at 20"
    assert start_of(home, fork(home, "parent", at=20)) == "best at 20"
    assert start_of(home, fork(home, parent.id, at=12)) == "manual at 10"
    with pytest.raises(
        RequestError, match=r"at or before step 9; there are some at step 10 \(manual\), step 20"
    ):
        fork(home, "parent", at=9)


def test_a_run_without_a_checkpoint_says_when_the_first_comes(home: Home, parent: RunRecord) -> None:
    with pytest.raises(RequestError, match="has no checkpoint yet; the first comes after an epoch"):
        fork(home, parent.id)
    with pytest.raises(UnknownRunError):
        fork(home, "nobody")


def test_a_fork_tells_where_it_comes_from(home: Home, catalog: SqlCatalog, parent: RunRecord) -> None:
    checkpoint = saved(home, catalog, parent, "last", 30)
    child = fork(home, parent.id, {"head.scale": "8"}, why="a try")
    assert (child.name, child.parent_id, child.state) == ("parent-fork", parent.id, RunState.QUEUED)
    assert Origin.of(child) == Origin(parent.id, "parent", 30, "last")
    assert Origin.of(parent) is None
    assert child.config.head.scale == 8.0
    (start,) = catalog.checkpoints(child.id)
    assert (start.kind, start.step, start.sha256) == ("start", 30, checkpoint.sha256)
    told = [one for one in catalog.history(child.id) if one.kind == "fork"]
    assert [one.text for one in told] == ["fork of parent at step 30: a try"]
    assert told[0].data["changes"] == {"head.scale": "8"}
    assert [one.text for one in catalog.history(parent.id) if one.kind == "forked"] == [
        "forked as parent-fork from step 30: a try"
    ]


def test_a_fork_has_the_settings_that_were_in_force_at_the_checkpoint(
    home: Home, catalog: SqlCatalog, parent: RunRecord
) -> None:
    saved(home, catalog, parent, "last", 30)
    for step, scale in ((20, 9.0), (31, 11.0)):
        request = ControlRequest(0, "set", {"head.scale": scale})
        command = catalog.add_command(parent.id, request, requested_by="test")
        catalog.settle_command(command.id, "applied", step=step, reason="", previous={})
    child = fork(home, parent.id, {"head.temperature": 2.0})
    assert (child.config.head.scale, child.config.head.temperature) == (9.0, 2.0)


def test_what_no_checkpoint_allows_is_listed_at_once(
    home: Home, catalog: SqlCatalog, parent: RunRecord
) -> None:
    saved(home, catalog, parent, "last", 30)
    with pytest.raises(ConfigError) as refused:
        fork(home, parent.id, {"backbone.embedding_dim": 64, "data.identities": 9, "seed": 1})
    assert len(refused.value.problems) == 3
    assert "data.identities: cannot change in a fork, the head has one class for each" in str(refused.value)
    with pytest.raises(ConfigError, match=r"did you mean head\.scale"):
        fork(home, parent.id, {"head.scal": 1})
    assert len(catalog.runs()) == 1, "nothing was started"


def test_the_end_of_a_complete_run_can_only_be_forked_for_more_epochs(
    home: Home, catalog: SqlCatalog, parent: RunRecord
) -> None:
    saved(home, catalog, parent, "last", 30)
    saved(home, catalog, parent, "best", 20)
    catalog.heartbeat(parent.id, {"step": 30})
    catalog.claim_run(parent.id, ProcessIdentity(1, 1.0, "here"))
    catalog.move_run(parent.id, RunState.RUNNING)
    catalog.move_run(parent.id, RunState.FINISHED)
    with pytest.raises(
        RequestError, match=r"nothing is left to train. Give it more epochs, such as stages.1"
    ):
        fork(home, parent.id)
    assert Origin.of(fork(home, parent.id, at=25)) == Origin(parent.id, "parent", 20, "best")
    assert fork(home, parent.id, {"stages.1.epochs": 4}).config.stages[1].epochs == 4


def test_a_damaged_checkpoint_is_refused_with_the_others_there_are(
    home: Home, catalog: SqlCatalog, parent: RunRecord
) -> None:
    saved(home, catalog, parent, "best", 20)
    record = saved(home, catalog, parent, "last", 30)
    file = home.run_folder(parent.id) / record.path
    file.write_bytes(b"last at 31")
    with pytest.raises(WeightsError, match=r"step 30 is damaged or gone .*: step 20 \(best\)"):
        fork(home, parent.id)
    file.unlink()
    with pytest.raises(WeightsError, match="damaged or gone"):
        fork(home, parent.id)
    assert [one.name for one in (home.root / "runs").iterdir()] == [parent.id], "nothing is left behind"


def test_a_checkpoint_that_is_replaced_meanwhile_is_taken_as_it_is_now(
    home: Home, catalog: SqlCatalog, parent: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = saved(home, catalog, parent, "last", 30)
    saved(home, catalog, parent, "last", 40)
    looks = iter([stale])
    look = at_or_before
    monkeypatch.setattr(forking, "at_or_before", lambda *asked: next(looks, None) or look(*asked))
    child = fork(home, parent.id)
    assert start_of(home, child) == "last at 40"
    assert Origin.of(child) == Origin(parent.id, "parent", 40, "last")


def test_an_unchanged_fork_keeps_the_best_of_then_and_a_changed_one_begins_its_own_record(
    home: Home, catalog: SqlCatalog, parent: RunRecord
) -> None:
    saved(home, catalog, parent, "best", 20)
    saved(home, catalog, parent, "last", 30)

    def kinds(run: RunRecord) -> list[str]:
        return sorted(one.kind for one in catalog.checkpoints(run.id))

    same = fork(home, parent.id)
    assert kinds(same) == ["best", "start"]
    assert (home.run_folder(same.id) / "checkpoints" / "best.pt").read_text() == "best at 20"
    assert kinds(fork(home, parent.id, {"head.scale": 3})) == ["start"]
    saved(home, catalog, parent, "manual", 15)
    assert kinds(fork(home, parent.id, at=16)) == ["start"], "the best came later"


def test_a_disk_that_refuses_leaves_nothing_behind(
    home: Home, catalog: SqlCatalog, parent: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(home, catalog, parent, "last", 30)

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgeft_core.jobs.checkpoints.shutil.copyfile", full)
    with pytest.raises(RequestError, match=r"cannot be copied .*No space left"):
        fork(home, parent.id)
    assert len(catalog.runs()) == 1
    assert [one.name for one in (home.root / "runs").iterdir()] == [parent.id]
