"""Which event goes where: series to the metrics file; states, outcomes, checkpoints and history to the catalog."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from edgeft_core.errors import EdgeFTError, NonFiniteError
from edgeft_core.events import (
    BatchDone,
    CheckpointSaved,
    CheckpointsDropped,
    ControlHandled,
    ControlRequest,
    EmbeddingsTaken,
    Event,
    FirstBatch,
    Notice,
    PauseChanged,
    PlanChanged,
    Rewound,
    RunEnded,
    RunPrepared,
    SampleSet,
    SamplesTaken,
    SignalsMeasured,
    StageEnded,
    StageStarted,
    SweepMeasured,
    SweepPlanned,
)
from edgeft_core.jobs.states import RunState
from edgeft_core.jobs.worker.lasting_metrics import LastingMetrics
from edgeft_core.jobs.worker.patience import patiently
from edgeft_core.jobs.worker.reserve import Reserve
from edgeft_core.jobs.worker.summary import BEST, CLASS_NAMES_FILE, Summary
from edgeft_core.jobs.worker.verdicts import Pronounced, Verdicts
from edgeft_core.settings import Home
from edgeft_core.store import SweepTableWriter, open_metrics_reader
from edgeft_core.store.contract import Catalog, CheckpointRecord, MetricsReader, MetricsWriter, RunRecord
from edgeft_core.store.embeddings import forget_embeddings_after, write_embeddings
from edgeft_core.store.faults import told_plainly

log = logging.getLogger(__name__)

_LOGGED = ("val_loss", "val_top1", "val_top5", "test_top1", "test_top5")
_EMBEDDINGS_EVERY_S = (
    2.0  # packing takes some ten milliseconds, and an epoch on cached embeddings may take one second
)
_STEPS_BETWEEN_MARKS = 50
_TOLD = frozenset({"best", "manual", "verdict"})  # the others come again and again
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Journal:
    """Writes one run's events. Owned by one thread; nothing of the series is durable before ``flush``."""

    def __init__(self, home: Home, run: RunRecord, catalog: Catalog) -> None:
        self._home = home
        self._run = run
        self._catalog = catalog
        self._summary = Summary(run.config, run.summary)
        self._verdicts = Verdicts(home, run)
        self._writer: MetricsWriter | None = None
        self._sweep: SweepTableWriter | None = None
        self._facts: dict[str, Any] = {}
        self._embeddings: dict[SampleSet, EmbeddingsTaken] = {}
        self._embeddings_due = 0.0
        self._epochs_before = [0, *accumulate(stage.epochs for stage in run.config.stages)]
        self._epoch_total = 0.0
        self._step = 0
        self._begun = self._over = False
        self._state = RunState.STARTING
        self._reserve = Reserve(home.run_folder(run.id))
        self._reserve.keep()
        patiently.room = self._reserve.there_is_room
        patiently.on_wait, patiently.on_go = self._wait, self._go
        self._status: str | None = run.summary.get("verdict")
        self._step, self._marked_at = 0, -_STEPS_BETWEEN_MARKS
        # Events that are missing here are seen by the summary only.
        self._writers: dict[type[Event], Callable[[Any, datetime], None]] = {
            BatchDone: self._batch,
            SignalsMeasured: self._signals,
            SamplesTaken: self._samples,
            EmbeddingsTaken: self._take_embeddings,
            RunPrepared: self._prepared,
            FirstBatch: self._first_batch,
            StageStarted: self._stage_started,
            StageEnded: self._stage_ended,
            ControlHandled: self._control,
            PlanChanged: self._plan_changed,
            PauseChanged: self._paused,
            CheckpointSaved: self._checkpoint,
            CheckpointsDropped: self._dropped,
            Rewound: self._rewound,
            Notice: self._notice,
            RunEnded: self._ended,
            SweepPlanned: self._sweep_planned,
            SweepMeasured: self._sweep_measured,
        }

    def write(self, event: Event, at_s: float) -> None:
        """Take in one event that was recorded at ``at_s`` (UTC seconds since the epoch).

        Raises:
            DiskFullError: no space is left, and the process was asked to end while it waited for some.
        """
        self._step = getattr(event, "step", self._step)
        self._summary.observe(event, at_s)
        self._step = getattr(event, "step", self._step)
        if (writer := self._writers.get(type(event))) is not None:
            writer(event, datetime.fromtimestamp(at_s, UTC))
        if self._run.config.sweep is not None:  # many heads have no verdict in common
            return
        if (pronounced := self._verdicts.observe(event)) is not None:
            self._pronounce(pronounced)

    def failed(self, error: BaseException) -> None:
        """The run ended with an error; may be called by another thread after ``close``. Raises DiskFullError."""
        self._over = True
        if self._run.config.sweep is not None:
            return
        nonfinite = isinstance(error, NonFiniteError)
        if (pronounced := self._verdicts.failed(str(error), nonfinite=nonfinite)) is not None:
            self._pronounce(pronounced)
            self.beat()

    def flush(self) -> None:
        """Make the series durable. Raises DiskFullError."""
        if self._writer is not None:
            patiently(self._writer.flush)
        if self._sweep is not None:
            patiently(self._sweep.flush)
        if time.monotonic() >= self._embeddings_due:
            self._write_embeddings()

    def beat(self) -> None:
        """Tell the catalog that the run lives and where it is. Raises DiskFullError."""
        if reasons := self._verdicts.reasons:
            self._summary.note({"verdict_reasons": list(reasons)})
        changed = self._summary.take()
        patiently(self._catalog.heartbeat, self._run.id, changed)

    def close(self) -> None:
        self._write_embeddings()
        if self._writer is not None:
            patiently(self._writer.close)
        self._reserve.release()

    def _batch(self, event: BatchDone, at: datetime) -> None:
        assert self._writer is not None
        self._epoch_total = self._epochs_before[event.stage] + event.epoch
        self._writer.add_batch(event, at=at, epoch_total=self._epoch_total)

    def _signals(self, event: SignalsMeasured, at: datetime) -> None:
        assert self._writer is not None
        patiently(self._writer.add_signals, event.step, event.scalars, at=at, epoch_total=self._epoch_total)
        shown = [f"{name} {event.scalars[name]:.4g}" for name in _LOGGED if name in event.scalars]
        if shown:
            log.info("step %d: %s", event.step, ", ".join(shown))

    def _samples(self, event: SamplesTaken, at: datetime) -> None:  # noqa: ARG002
        assert self._writer is not None
        self._writer.put_samples(event)

    def _take_embeddings(self, event: EmbeddingsTaken, at: datetime) -> None:  # noqa: ARG002
        self._embeddings[event.split] = event

    def _write_embeddings(self) -> None:
        """The newest of each set; what could not be written is written by the next call."""
        while self._embeddings:
            split, taken = next(iter(self._embeddings.items()))
            patiently(write_embeddings, self._home.run_folder(self._run.id), taken)
            del self._embeddings[split]
            self._embeddings_due = time.monotonic() + _EMBEDDINGS_EVERY_S

    def _prepared(self, event: RunPrepared, at: datetime) -> None:  # noqa: ARG002
        folder = self._home.run_folder(self._run.id)
        names = json.dumps(list(event.class_names), ensure_ascii=False, indent=0)
        patiently(_write, folder / CLASS_NAMES_FILE, names + "\n")
        self._writer = patiently(
            LastingMetrics, self._home.metrics_file(self._run.id), len(event.class_names), self._warn
        )
        facts = asdict(event) | {"label_counts": event.label_counts_C.tolist()}
        del facts["label_counts_C"]
        self._put_facts({**facts, "class_names": list(event.class_names), "warnings": list(event.warnings)})
        self._move(RunState.RUNNING, 0)
        log.info("prepared on %s: %s images", event.device, dict(event.split_images))
        for warning in event.warnings if self._run.started_at is None else ():
            self._note("notice", warning, 0, {"level": "warning"})

    def _first_batch(self, event: FirstBatch, at: datetime) -> None:  # noqa: ARG002
        self._put_facts({"first_batch": asdict(event)})
        log.info(
            "first batch: embedding mean %.4f std %.4f, logit mean %.4f std %.4f, predicted %s, true %s",
            event.embedding_mean, event.embedding_std, event.logit_mean, event.logit_std,
            list(event.predicted), list(event.true),
        )  # fmt: skip

    def _stage_started(self, event: StageStarted, at: datetime) -> None:  # noqa: ARG002
        assert self._writer is not None
        if not self._begun:
            # What an earlier worker recorded after the checkpoint that this one goes on from will come again.
            patiently(self._writer.truncate_after, event.step)
            forget_embeddings_after(self._home.run_folder(self._run.id), event.step)
            self._begun = True
        self._epoch_total = float(self._epochs_before[event.stage])
        self._note("stage", f"stage {event.stage + 1}: {event.name}", event.step, asdict(event))
        log.info(
            "stage %d, %s: %d epochs from step %d", event.stage + 1, event.name, event.epochs, event.step
        )

    def _stage_ended(self, event: StageEnded, at: datetime) -> None:  # noqa: ARG002
        self._note("stage_ended", event.reason, event.step, asdict(event))

    def _control(self, event: ControlHandled, at: datetime) -> None:  # noqa: ARG002
        log.info(
            "request %d before step %d: %s %s", event.command_id, event.step, event.outcome, event.reason
        )
        if event.command_id:
            patiently(
                self._catalog.settle_command,
                event.command_id,
                event.outcome,
                step=event.step,
                reason=event.reason,
                previous=event.previous,
                changes=event.changes or None,
            )

    def _plan_changed(self, event: PlanChanged, at: datetime) -> None:  # noqa: ARG002
        self._epochs_before = [0, *accumulate(stage.epochs for stage in event.stages)]

    def _paused(self, event: PauseChanged, at: datetime) -> None:  # noqa: ARG002
        self._move(RunState.PAUSED if event.paused else RunState.RUNNING, event.step)

    def _checkpoint(self, event: CheckpointSaved, at: datetime) -> None:
        record = CheckpointRecord(
            id=0,
            run_id=self._run.id,
            step=event.step,
            kind=event.kind,
            path=event.path,
            sha256=event.sha256,
            size_bytes=event.size_bytes,
            saved_at=at,
            scalars=dict(event.scalars),
        )
        patiently(self._catalog.add_checkpoint, record)
        if event.kind in _TOLD:
            self._note("checkpoint", f"{event.kind}: {event.path}", event.step, {"kind": event.kind})

    def _dropped(self, event: CheckpointsDropped, at: datetime) -> None:  # noqa: ARG002
        patiently(self._catalog.drop_checkpoints, self._run.id, event.paths)

    def _rewound(self, event: Rewound, at: datetime) -> None:  # noqa: ARG002
        assert self._writer is not None
        patiently(self._writer.truncate_after, event.step)
        self._embeddings.clear()
        forget_embeddings_after(self._home.run_folder(self._run.id), event.step)
        with open_metrics_reader(self._home.metrics_file(self._run.id)) as reader:
            best = {name: _best_of(reader, name) for name in BEST}
            self._summary.rewound(event.step, reader.latest(), best)
        text = f"taken back from step {event.from_step} to step {event.step}"
        log.info(text)
        self._note("rewound", text, event.step, asdict(event))

    def _notice(self, event: Notice, at: datetime) -> None:  # noqa: ARG002
        log.log(_LEVELS[event.level], "step %d: %s", event.step, event.text)
        self._note("notice", event.text, event.step, {"level": event.level})

    def _ended(self, event: RunEnded, at: datetime) -> None:  # noqa: ARG002
        self._over = True
        log.info("ended after step %d: %s", event.step, event.reason)

    def _sweep_planned(self, event: SweepPlanned, at: datetime) -> None:  # noqa: ARG002
        path = self._home.sweep_file(self._run.id)
        self._sweep = SweepTableWriter(path, event.heads, event.step_F, event.epoch_F)

    def _sweep_measured(self, event: SweepMeasured, at: datetime) -> None:  # noqa: ARG002
        assert self._sweep is not None
        self._sweep.put(event.step, event.first_head, event.values)

    def _pronounce(self, pronounced: Pronounced) -> None:
        self._summary.note(pronounced.summary)
        if pronounced.is_new:
            self._mark(pronounced)
            log.info("%s since step %d: %s", *pronounced.told, "; ".join(pronounced.verdict.reasons))
            self._note("verdict", pronounced.verdict.status, pronounced.verdict.since_step, pronounced.data)

    def _mark(self, pronounced: Pronounced) -> None:
        """Ask for a checkpoint of a verdict that took the place of another one."""
        status, told = pronounced.verdict.status, self._status
        self._status = status
        if told in {None, status} or not self._run.config.checkpoints.keep_marked or self._over:
            return
        if self._step - self._marked_at < _STEPS_BETWEEN_MARKS:
            return  # a verdict that goes to and fro must not fill the disk
        self._marked_at = self._step
        if pronounced.verdict.since_step <= int((self._run.summary.get("replay") or {}).get("until", -1)):
            return  # the run that is replayed asked for its own, and they come again
        request = ControlRequest(0, "checkpoint", options={"mark": "verdict", "verdict": status})
        patiently(self._catalog.add_command, self._run.id, request, requested_by="verdict")

    def _move(self, target: RunState, step: int) -> None:
        patiently(self._catalog.move_run, self._run.id, target, step=step)
        self._state = target

    def _wait(self, error: EdgeFTError) -> None:
        """Say that training stands still, in the space that was kept for it."""
        self._reserve.release()
        if self._state is RunState.RUNNING:
            # The advice behind the first sentence is for those who would have to start the run again.
            what = str(error).rsplit(". ", 1)[0]
            text = f"Training waits: {what}. It goes on by itself as soon as that is over."
            self._tell(RunState.PAUSED, text, "warning")

    def _go(self, seconds: float) -> None:
        self._reserve.keep()
        if self._state is RunState.RUNNING:
            self._tell(RunState.RUNNING, f"Training goes on after waiting {seconds:.0f} s.", "info")

    def _tell(self, state: RunState, text: str, level: str) -> None:
        """A notice, and the state that the run looks to be in; what cannot be written stays unsaid."""
        waiting = {"waiting": text if state is RunState.PAUSED else None}
        with suppress(EdgeFTError):
            self._catalog.move_run(self._run.id, state, step=self._step)
            self._catalog.add_history(self._run.id, "notice", text, step=self._step, data={"level": level})
            self._catalog.heartbeat(self._run.id, waiting)

    def _warn(self, text: str) -> None:
        self._note("notice", text, self._step, {"level": "warning"})

    def _note(self, kind: str, text: str, step: int, data: Mapping[str, Any]) -> None:
        patiently(self._catalog.add_history, self._run.id, kind, text, step=step, data=data)

    def _put_facts(self, facts: Mapping[str, Any]) -> None:
        assert self._writer is not None
        self._facts |= facts
        self._writer.put_facts(self._facts)


def _write(path: Path, text: str) -> None:
    with told_plainly("run's folder", path.parent):
        path.write_text(text, encoding="utf-8")


def _best_of(reader: MetricsReader, name: str) -> float | None:
    """The best recorded value of a signal; None where there is none."""
    values = reader.sparse([name]).high[name] if name in reader.signal_keys() else np.empty(0)
    there = values[np.isfinite(values)].tolist()
    return BEST[name](there) if there else None
