"""The verdict beside the recording: stored when it changes, and never in the way of training."""

from __future__ import annotations

import numpy as np
import pytest

from edgeft_core.diagnostics.case import Finding
from edgeft_core.diagnostics.kept import write_findings
from edgeft_core.diagnostics.observer import Observer
from edgeft_core.errors import NonFiniteError
from edgeft_core.events import BatchDone, Event, RunPrepared, SignalsMeasured, StageStarted
from edgeft_core.jobs.states import RunState
from edgeft_core.jobs.worker.journal import Journal
from edgeft_core.presets import PRESETS
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process
from tests.diagnostics.batches import COLLAPSED, HEALTHY, NOTHING, signals

PREPARED = RunPrepared(
    class_names=tuple(str(number) for number in range(518)),
    split_images={"train": 4352, "validation": 1036, "test": 1036},
    label_counts_C=np.full(518, 8),
    steps_total=1360,
    steps_per_epoch=136,
    device="cpu",
    parameters={},
    weights={"source": "demo", "complete": True},
)
STARTED = StageStarted(0, "head", 0, 10, 136, cached=True, trainable={"head": 1})


@pytest.fixture
def run(home: Home, catalog: SqlCatalog) -> RunRecord:
    """A run that a worker has just claimed."""
    run = catalog.add_run("v1", "watched", PRESETS["reported-before"]())
    home.run_folder(run.id).mkdir(parents=True)
    assert catalog.claim_run(run.id, current_process())
    return catalog.run(run.id)


def batch(step: int, collapsed: bool) -> BatchDone:
    ids = np.zeros(32, np.int64)
    return BatchDone(step, 0, step / 136, signals(step, COLLAPSED if collapsed else NOTHING), ids, ids)


def write(journal: Journal, *events: Event) -> None:
    for event in (PREPARED, STARTED, *events):
        journal.write(event, 1_700_000_000.0)
    journal.flush()
    journal.beat()


def verdicts(catalog: SqlCatalog, run_id: str) -> list[tuple[str, int]]:
    return [(one.text, one.step) for one in catalog.history(run_id) if one.kind == "verdict"]


def test_every_new_verdict_is_a_row_of_history_and_the_last_one_is_in_the_summary(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    journal = Journal(home, run, catalog)
    write(journal, *(batch(step, collapsed=True) for step in range(1, 301)))
    journal.close()
    told = verdicts(catalog, run.id)
    assert [status for status, _ in told] == ["learning", "watch", "collapsed"]
    summary = catalog.run(run.id).summary
    assert (summary["verdict"], summary["verdict_since"]) == told[-1]
    assert summary["verdict_cause"].startswith("embedding.")
    assert 0.0 < summary["verdict_confidence"] < 1.0
    assert "mean cosine of 0.99" in " ".join(summary["verdict_reasons"])


def test_the_reasons_of_a_verdict_are_those_of_now(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    def learning(first: int, top1: float) -> list[BatchDone]:
        ids, told = np.zeros(32, np.int64), {**HEALTHY, "top1_running": top1}
        return [
            BatchDone(one, 0, one / 136, signals(one, told), ids, ids) for one in range(first, first + 100)
        ]

    journal = Journal(home, run, catalog)
    write(journal, *learning(1, top1=0.12))
    early = catalog.run(run.id).summary
    for event in learning(101, top1=0.63):
        journal.write(event, 1_700_000_000.0)
    journal.beat()
    journal.close()
    late = catalog.run(run.id).summary
    assert (early["verdict"], early["verdict_since"]) == (late["verdict"], late["verdict_since"])
    assert "Top-1 12" in early["verdict_reasons"][0]
    assert "Top-1 63" in late["verdict_reasons"][0]


def test_the_next_worker_of_the_run_goes_on_from_its_verdict(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    first = Journal(home, run, catalog)
    write(first, *(batch(step, collapsed=True) for step in range(1, 301)))
    first.close()
    again = Journal(home, catalog.run(run.id), catalog)
    catalog.move_run(run.id, RunState.LOST)
    catalog.move_run(run.id, RunState.QUEUED)
    catalog.claim_run(run.id, current_process())
    before = catalog.run(run.id).summary["verdict_since"]
    write(again, *(batch(step, collapsed=True) for step in range(301, 330)))
    again.close()
    summary = catalog.run(run.id).summary
    assert (summary["verdict"], summary["verdict_since"]) == ("collapsed", before)


def test_a_run_that_ends_with_nan_has_diverged(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    journal = Journal(home, run, catalog)
    write(journal, batch(1, collapsed=False))
    journal.close()
    journal.failed(NonFiniteError("Step 2 (stage head): NaN in the loss. The update was not made."))
    summary = catalog.run(run.id).summary
    assert (summary["verdict"], summary["verdict_since"]) == ("diverged", 1)
    assert summary["verdict_cause"] == "numerics.nonfinite"


def test_findings_from_before_the_training_take_part(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    finding = Finding("data.pixel_range", "blocking", "All grey levels are 0 or 1.", cause="input.range")
    write_findings(home.run_folder(run.id), [finding])
    journal = Journal(home, run, catalog)
    write(journal, batch(1, collapsed=False), SignalsMeasured(1, {"input_min": 0.0, "input_max": 255.0}))
    journal.close()
    assert catalog.run(run.id).summary["verdict_cause"] == "input.range"


def test_an_error_in_the_verdict_is_logged_once_and_recording_goes_on(
    home: Home,
    catalog: SqlCatalog,
    run: RunRecord,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_self: Observer, _event: Event) -> None:
        raise ZeroDivisionError("a rule that nobody tried")

    monkeypatch.setattr(Observer, "observe", broken)
    journal = Journal(home, run, catalog)
    write(journal, *(batch(step, collapsed=True) for step in range(1, 50)))
    journal.close()
    assert catalog.run(run.id).summary["step"] == 49
    assert caplog.text.count("the verdict is not followed any more") == 1
