"""Events on their way into the store: who writes what, when, and what happens when that fails."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import pytest

from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.errors import DiskFullError, TrainingError
from edgeft_core.events import (
    BatchDone,
    CheckpointAhead,
    CheckpointReady,
    CheckpointSaved,
    ControlHandled,
    ControlRequest,
    Event,
    FirstBatch,
    Notice,
    PauseChanged,
    Progress,
    RunPrepared,
    SignalsMeasured,
    StageStarted,
)
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.states import RunState
from edgeft_core.jobs.worker import patience, recorder
from edgeft_core.jobs.worker.journal import Journal
from edgeft_core.jobs.worker.recorder import Recorder
from edgeft_core.settings import Home
from edgeft_core.store import dialect, open_catalog, open_metrics_reader
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process

PREPARED = RunPrepared(
    class_names=("ann", "bob", "eve"),
    split_images={"train": 12, "validation": 3, "test": 3},
    label_counts_C=np.array([4, 4, 4]),
    steps_total=200,
    steps_per_epoch=4,
    device="cpu (1 threads)",
    parameters={"backbone": 10, "head": 6},
    weights={"source": "none", "complete": True, "modules": ["long"] * 100},
    warnings=("the weights were partly loaded",),
)


def stage_started(step: int = 0, stage: int = 0) -> StageStarted:
    return StageStarted(stage, "head", step, 10, 4, cached=True, trainable={"head": 6, "backbone": 0})


def batch(step: int, **scalars: float) -> BatchDone:
    ids = np.array([step % 3, 0], np.int64)
    return BatchDone(step, 0, step / 4, {"loss": 1.0 / step, **scalars}, ids, ids)


def events_to(step: int) -> list[Event]:
    """A run's events up to a step."""
    return [PREPARED, stage_started(), *[batch(one) for one in range(1, step + 1)]]


@pytest.fixture
def run(home: Home, catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    monkeypatch.setattr(dispatcher, "ensure", lambda _: None)
    queued = jobs.launch(home, RunConfig())
    catalog.claim_run(queued.id, current_process())
    return catalog.run(queued.id)


@contextmanager
def recording(
    home: Home, catalog: SqlCatalog, run: RunRecord, journal: Journal | None = None
) -> Iterator[Recorder]:
    """A recorder that is closed whatever happens."""
    recording = Recorder(journal or Journal(home, run, catalog), still_ours=lambda: True, evict=lambda: None)
    try:
        yield recording
    finally:
        recording._closing = True
        recording._wake.set()
        recording._thread.join(30)


def record(home: Home, catalog: SqlCatalog, run: RunRecord, *events: Event) -> None:
    with recording(home, catalog, run) as recorder:
        for event in events:
            recorder.record(event)
        recorder.close()


def test_batches_and_signals_go_to_the_metrics_and_numbers_to_the_summary(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    events = [batch(step, images_per_s=100.0) for step in range(1, 9)]
    signals = [SignalsMeasured(4, {"val_top1": 0.5, "val_top5": 1.0}), SignalsMeasured(8, {"val_top1": 0.25})]
    record(home, catalog, run, PREPARED, stage_started(), *events, *signals)
    with open_metrics_reader(home.metrics_file(run.id)) as reader:
        view = reader.tail(["loss"], 100)
        assert view.step_V.tolist() == list(range(1, 9))
        assert view.low["loss"] == pytest.approx([1 / step for step in range(1, 9)])
        assert view.epoch_V.tolist() == [step / 4 for step in range(1, 9)]
        assert reader.latest()["val_top1"] == 0.25
    told = catalog.run(run.id)
    assert told.state is RunState.RUNNING
    assert told.summary["step"] == 8
    assert told.summary["best"] == {"val_top1": 0.5, "val_top5": 1.0}
    assert told.summary["metrics"]["loss"] == 0.125
    assert told.summary["images_per_s"] == 100.0
    assert told.summary["warnings"] == ["the weights were partly loaded"]
    assert "modules" not in told.summary["weights"]


def test_facts_are_stored_once_and_hold_the_first_batch(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    first = FirstBatch(0.1, 0.2, 0.3, 0.4, (0, 0), (1, 2))
    record(home, catalog, run, PREPARED, stage_started(), first)
    with open_metrics_reader(home.metrics_file(run.id)) as reader:
        facts = reader.facts()
    assert facts["class_names"] == ["ann", "bob", "eve"]
    assert facts["label_counts"] == [4, 4, 4]
    assert facts["first_batch"]["predicted"] == [0, 0]
    assert facts["weights"]["modules"] == ["long"] * 100


def test_outcomes_pauses_checkpoints_and_notices_go_to_the_catalog(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    command = catalog.add_command(run.id, ControlRequest(0, "set", {"head.scale": 8.0}), requested_by="test")
    record(
        home,
        catalog,
        run,
        PREPARED,
        stage_started(),
        ControlHandled(command.id, 5, "applied", previous={"head.scale": 16.0}),
        PauseChanged(5, True),
        CheckpointSaved(5, "manual", "checkpoints/manual.pt", "ab", 10, {"val_top1": 0.5}),
        Notice("warning", 5, "beware"),
    )
    settled = catalog.command(command.id)
    assert (settled.outcome, settled.step, settled.previous) == ("applied", 5, {"head.scale": 16.0})
    assert catalog.run(run.id).state is RunState.PAUSED
    assert [(one.kind, one.step, one.path) for one in catalog.checkpoints(run.id)] == [
        ("manual", 5, "checkpoints/manual.pt")
    ]
    told = [(one.kind, one.text) for one in catalog.history(run.id)]
    assert ("notice", "beware") in told
    assert ("stage", "stage 1: head") in told
    assert ("command", "head.scale = 8.0: applied") in told


def test_a_run_that_goes_on_from_a_checkpoint_replaces_what_was_recorded_after_it(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    record(home, catalog, run, PREPARED, stage_started(), *[batch(step) for step in range(1, 11)])
    catalog.move_run(run.id, RunState.LOST)
    catalog.move_run(run.id, RunState.QUEUED)
    catalog.claim_run(run.id, current_process())
    record(home, catalog, catalog.run(run.id), PREPARED, stage_started(step=4), batch(5), batch(6))
    with open_metrics_reader(home.metrics_file(run.id)) as reader:
        assert reader.tail(["loss"], 100).step_V.tolist() == [1, 2, 3, 4, 5, 6]


def test_work_before_the_first_step_is_told_and_forgotten_with_the_first_step(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    record(home, catalog, run, Progress("Drawing faces", 3, 10))
    assert catalog.run(run.id).summary["progress"] == {"what": "Drawing faces", "done": 3, "total": 10}
    record(home, catalog, run, PREPARED, stage_started(), Progress("Embedding", 3, 10), batch(1))
    assert catalog.run(run.id).summary["progress"] is None


def test_numbers_that_json_cannot_hold_become_null(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    record(home, catalog, run, PREPARED, stage_started(), batch(1, logit_max=float("inf")))
    assert catalog.run(run.id).summary["metrics"]["logit_max"] is None


def test_a_point_is_readable_soon_after_its_batch_while_training_goes_on(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    with recording(home, catalog, run) as recorder:
        for event in events_to(1):
            recorder.record(event)
        deadline = time.monotonic() + 30
        with open_metrics_reader(home.metrics_file(run.id)) as reader:
            while reader.last_step() < 1:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        recorder.close()


def test_what_was_told_before_a_checkpoint_is_durable_before_it_gets_its_name(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    with recording(home, catalog, run) as recorder:
        told = (*events_to(3), SignalsMeasured(3, {"val_top1": 0.5}))
        for event in (*told, CheckpointAhead(3), CheckpointReady(3)):
            recorder.record(event)
        with open_metrics_reader(home.metrics_file(run.id)) as reader:
            assert reader.last_step() == 3
            assert reader.sparse(["val_top1"], points=10).high["val_top1"].tolist() == [0.5]
        recorder.close()


def test_a_recorder_that_breaks_before_a_checkpoint_stops_training_too(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    class Broken(Journal):
        def flush(self) -> None:
            raise ValueError("a bug")

    with (
        recording(home, catalog, run, Broken(home, run, catalog)) as recorder,
        pytest.raises(TrainingError, match=r"cannot be recorded \(ValueError: a bug\)"),
    ):
        recorder.record(PREPARED)
        recorder.record(CheckpointAhead(0))
        recorder.record(CheckpointReady(0))


class Refusing(Journal):
    """A journal whose disk is full from the first batch on, as often as told."""

    def __init__(self, home: Home, run: RunRecord, catalog: SqlCatalog, *, times: int) -> None:
        super().__init__(home, run, catalog)
        self.times = times

    def flush(self) -> None:
        if self._epoch_total > 0.0:
            patience.patiently(self._refuse)
        super().flush()

    def _refuse(self) -> None:
        if self.times > 0:
            self.times -= 1
            raise DiskFullError("No space is left for the metrics.")


def test_a_disk_that_is_full_for_a_moment_loses_nothing(
    home: Home, catalog: SqlCatalog, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_RETRY_S", 0.01)
    with recording(home, catalog, run, Refusing(home, run, catalog, times=3)) as recorder:
        for event in events_to(5):
            recorder.record(event)
        recorder.close()
    with open_metrics_reader(home.metrics_file(run.id)) as reader:
        assert reader.last_step() == 5


def test_a_run_waits_while_another_program_holds_the_catalog(
    home: Home, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_RETRY_S", 0.05)
    monkeypatch.setattr(patience.patiently, "asked_to_end", lambda: False)
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT_S", 0.05)
    with closing(open_catalog(home.catalog_url)) as catalog:
        other = sqlite3.connect(home.root / "catalog.sqlite", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(1.0, other.execute, ["ROLLBACK"])
        release.start()
        with recording(home, catalog, run, Journal(home, run, catalog)) as recorder:
            for event in events_to(5):
                recorder.record(event)
            recorder.close()
        release.join()
        other.close()
        assert catalog.run(run.id).state is RunState.RUNNING
    with open_metrics_reader(home.metrics_file(run.id)) as reader:
        assert reader.last_step() == 5


def test_a_run_that_waits_for_space_ends_with_a_sentence_when_it_is_asked_to_end(
    home: Home, catalog: SqlCatalog, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_RETRY_S", 0.01)
    begun = time.monotonic()
    monkeypatch.setattr(patience.patiently, "asked_to_end", lambda: time.monotonic() > begun + 0.5)
    monkeypatch.setattr(patience.patiently, "waiting", False)
    with (
        recording(home, catalog, run, Refusing(home, run, catalog, times=1_000_000)) as recorder,
        pytest.raises(DiskFullError, match="No space is left"),
    ):
        recorder.record(PREPARED)
        recorder.record(stage_started())
        for step in range(1, 1_000_000):
            recorder.record(batch(step))
            time.sleep(0.001)


def test_a_recorder_that_breaks_stops_training_too(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    class Broken(Journal):
        def write(self, event: Event, at_s: float) -> None:
            raise ValueError("a bug")

    with (
        recording(home, catalog, run, Broken(home, run, catalog)) as recorder,
        pytest.raises(TrainingError, match=r"cannot be recorded \(ValueError: a bug\)"),
    ):
        recorder.record(PREPARED)
        recorder.close()


def test_training_waits_when_the_queue_is_full(
    home: Home, catalog: SqlCatalog, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "CAPACITY", 4)
    gate = threading.Event()

    class Slow(Journal):
        def write(self, event: Event, at_s: float) -> None:
            gate.wait(30)
            super().write(event, at_s)

    with recording(home, catalog, run, Slow(home, run, catalog)) as slow:

        def train() -> None:
            for event in events_to(20):
                slow.record(event)

        training = threading.Thread(target=train)
        training.start()
        training.join(0.5)
        assert training.is_alive()
        assert len(slow._waiting) <= 4
        gate.set()
        training.join(30)
        slow.close()
    with open_metrics_reader(home.metrics_file(run.id)) as reader:
        assert reader.last_step() == 20


def test_a_run_that_was_given_to_somebody_else_is_let_go(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    evicted = threading.Event()
    recorder = Recorder(Journal(home, run, catalog), still_ours=lambda: False, evict=evicted.set)
    assert evicted.wait(30)
    recorder.close()
