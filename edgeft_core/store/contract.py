"""What any store must promise: frozen records, and three contracts with who may call what from where.

* ``Catalog``: runs, commands, checkpoints, leases, history. Any process, any thread; every method is one transaction.
* ``MetricsWriter``: exactly one per run, owned by the worker's recorder thread.
* ``MetricsReader``: any number, any process; opens read-only and never blocks the writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from edgeft_core.config import RunConfig
from edgeft_core.events import BatchDone, CheckpointKind, CommandKind, ControlRequest, SampleSet, SamplesTaken
from edgeft_core.jobs.states import RunState

AUTOPILOT = "autopilot"
"""Its key in a run's summary, the kind of its rows of history, and who asks for what it asks for."""

CommandOutcome = Literal["pending", "applied", "refused"]


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be mistaken for another: pids are reused, start times are not.

    Attributes:
        started_at: seconds since the machine was booted where ``boot`` names that boot, so that setting the clock
            changes nothing; seconds since the epoch elsewhere.
        boot: which start of the machine (Linux); empty where the system keeps start times as they were.
    """

    pid: int
    started_at: float
    host: str
    boot: str = ""


@dataclass(frozen=True)
class RunRecord:
    """One row of the catalog. ``summary`` holds what lists show without opening the metrics file.

    summary keys (all optional): step, steps_total, stage, epoch, images_per_s, eta_s, device, n_classes,
    stage_epochs (as in force), metrics {name: last value}, best {name: best value}, class_names_file, weights,
    warnings, split_images, fork {parent, name, step, kind}: the checkpoint that the run set out from, autopilot: what
    ``edgeft_core.autopilot.record`` keeps.
    """

    id: str
    name: str
    state: RunState
    config: RunConfig
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    heartbeat_at: datetime | None = None
    worker: ProcessIdentity | None = None
    parent_id: str | None = None
    error: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    restarts: int = 0  # how often it was taken up again by itself since somebody put it into the queue


@dataclass(frozen=True)
class CommandRecord:
    """What was asked of a run, and what became of it; ``options`` are those of ``ControlRequest``."""

    id: int
    run_id: str
    kind: CommandKind
    changes: Mapping[str, Any]
    requested_at: datetime
    requested_by: str
    outcome: CommandOutcome = "pending"
    step: int | None = None
    reason: str = ""
    previous: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def over_steps(self) -> int:
        """Steps over which the changes come; 0 for at once."""
        return int(self.options.get("over_steps") or 0)

    @property
    def to_step(self) -> int | None:
        """The step of the checkpoint that a rewind goes back to; None for other commands."""
        return int(self.options["to_step"]) if self.kind == "rewind" else None


@dataclass(frozen=True)
class CheckpointRecord:
    id: int
    run_id: str
    step: int
    kind: CheckpointKind | Literal["start"]  # start: another run's, from which this one set out
    path: str  # relative to the run's folder
    sha256: str
    size_bytes: int
    saved_at: datetime
    scalars: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class HistoryRecord:
    """Something that happened to a run: a state change, a notice, a stage, a command's outcome."""

    id: int
    run_id: str
    at: datetime
    step: int
    kind: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Catalog(Protocol):
    """Runs and what is asked of them."""

    def add_run(
        self,
        run_id: str,
        name: str,
        config: RunConfig,
        *,
        parent_id: str | None = None,
        summary: Mapping[str, Any] | None = None,
        requests: Sequence[ControlRequest] = (),
        requested_by: str = "",
    ) -> RunRecord:
        """A queued run, with requests that wait for it."""
        ...

    def run(self, run_id_or_name: str) -> RunRecord:
        """By id, unambiguous id prefix, or name (newest wins). Raises UnknownRunError."""
        ...

    def runs(self, *, states: Sequence[RunState] = (), limit: int = 1000) -> list[RunRecord]:
        """Newest first."""
        ...

    def rename_run(self, run_id: str, name: str) -> None: ...

    def delete_run(self, run_id: str) -> None:
        """Remove an ended run's rows. Raises TransitionError while it is active."""
        ...

    def move_run(
        self,
        run_id: str,
        target: RunState,
        *,
        error: str = "",
        step: int = 0,
        worker: ProcessIdentity | None = None,
    ) -> RunRecord:
        """One atomic transition, written to the history. Raises TransitionError if not allowed.

        Args:
            worker: who asks; a run that was given to another worker since is not touched (TransitionError).
        """
        ...

    def lose_run(self, run: RunRecord, *, error: str, again: bool) -> bool:
        """The worker that ``run`` names is gone: LOST, and with ``again`` back into the queue, in one transaction.

        Commands that wait for an answer are refused, with ``again`` left to the next worker.

        Returns:
            False where the run ended, or has another worker by now; nothing happens then.
        """
        ...

    def turn_autopilot(
        self,
        run_id: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
        *,
        text: str,
        step: int,
        data: Mapping[str, Any],
        requests: Sequence[ControlRequest] = (),
        requeue: bool = False,
    ) -> bool:
        """Put another state of the autopilot into the summary, with a row of history and requests to the run.

        One transaction: all of it happens, or nothing.

        Args:
            before: the state that the caller saw; None where the run had none yet.
            requests: are asked for by ``autopilot``; ``requeue`` puts a run that has ended into the queue for them.

        Returns:
            False where somebody else was faster; nothing happens then.
        """
        ...

    def claim_run(self, run_id: str, worker: ProcessIdentity) -> bool:
        """queued -> starting for exactly one caller; one statement."""
        ...

    def heartbeat(self, run_id: str, summary: Mapping[str, Any]) -> None: ...

    def add_command(self, run_id: str, request: ControlRequest, *, requested_by: str) -> CommandRecord:
        """``request.command_id`` is ignored; the stored id comes back."""
        ...

    def pending_commands(self, run_id: str) -> list[CommandRecord]: ...

    def settle_command(
        self,
        command_id: int,
        outcome: CommandOutcome,
        *,
        step: int | None,
        reason: str,
        previous: Mapping[str, Any],
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        """``changes``: what it came to change, where that was not known when it was asked for (a rewind)."""
        ...

    def commands(self, run_id: str) -> list[CommandRecord]: ...

    def command(self, command_id: int) -> CommandRecord: ...

    def data_version(self) -> int:
        """Changes whenever another connection changed the catalog; costs microseconds."""
        ...

    def add_checkpoint(self, record: CheckpointRecord) -> CheckpointRecord:
        """Replaces the row of the same file; ``best`` and ``last`` that of the same kind."""
        ...

    def drop_checkpoints(self, run_id: str, paths: Sequence[str]) -> None:
        """Forget checkpoints whose files are gone."""
        ...

    def checkpoints(self, run_id: str) -> list[CheckpointRecord]: ...

    def add_history(
        self, run_id: str, kind: str, text: str, *, step: int, data: Mapping[str, Any]
    ) -> None: ...

    def history(self, run_id: str, *, after_id: int = 0, limit: int = 1000) -> list[HistoryRecord]: ...

    def take_lease(self, name: str, holder: ProcessIdentity, *, ttl_s: float) -> bool:
        """Take or renew a named lease (device slots, the dispatcher); false while another living holder has it."""
        ...

    def release_lease(self, name: str, holder: ProcessIdentity) -> None: ...

    def lease_holder(self, name: str) -> ProcessIdentity | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class SeriesView:
    """Series over a step range, reduced to min/max buckets where needed.

    Attributes:
        step_V: first step of each bucket (V rows).
        last_step_V: last step of each bucket; equals ``step_V`` where nothing was reduced.
        epoch_V, time_V: position in epochs over all stages, and UTC seconds since the epoch.
        low, high: per key, min and max of each bucket; NaN where the key has no value. Equal where not reduced.
        total: steps in the range; ``len(step_V)`` of them (or buckets) are shown.
    """

    step_V: npt.NDArray[np.int64]
    last_step_V: npt.NDArray[np.int64]
    epoch_V: npt.NDArray[np.float64]
    time_V: npt.NDArray[np.float64]
    low: Mapping[str, npt.NDArray[np.float32]]
    high: Mapping[str, npt.NDArray[np.float32]]
    total: int


@dataclass(frozen=True)
class HistogramView:
    """Predicted-class counts over time.

    Attributes:
        step_V: last step of each column.
        counts_VC: predictions per class in each column (int32).
        labels_VC: labels per class in each column.
    """

    step_V: npt.NDArray[np.int64]
    counts_VC: npt.NDArray[np.int32]
    labels_VC: npt.NDArray[np.int32]


class MetricsWriter(Protocol):
    """Owned by one thread of one process. Nothing is durable before ``flush`` returns."""

    def add_batch(self, event: BatchDone, *, at: datetime, epoch_total: float) -> None: ...

    def add_signals(
        self, step: int, scalars: Mapping[str, float], *, at: datetime, epoch_total: float
    ) -> None:
        """Signals that are not of every batch."""
        ...

    def put_samples(self, event: SamplesTaken) -> None:
        """Replaces the samples of the same split."""
        ...

    def put_facts(self, facts: Mapping[str, Any]) -> None:
        """Things known once: class names, label counts, the first batch, the weights' accounting (JSON values)."""
        ...

    def truncate_after(self, step: int) -> None:
        """Forget everything later than ``step`` (a run that resumes from a checkpoint)."""
        ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class MetricsReader(Protocol):
    """Read-only. An absent or still empty file reads as empty, never as an error; so does a damaged one, which then
    has a sentence in ``problem``. Threads may share a reader."""

    problem: str

    def last_step(self) -> int: ...

    def keys(self) -> tuple[str, ...]: ...

    def batch_keys(self) -> tuple[str, ...]:
        """Keys of every batch: ask ``view`` for them."""
        ...

    def signal_keys(self) -> tuple[str, ...]:
        """Keys measured now and then: ask ``sparse`` for them."""
        ...

    def n_classes(self) -> int:
        """0 while the file is absent."""
        ...

    def view(
        self, keys: Sequence[str], *, first: int = 0, last: int | None = None, points: int = 750
    ) -> SeriesView:
        """Per-batch series, at most about ``points`` buckets; costs the same for 1 000 and for 10 million steps."""
        ...

    def sparse(
        self, keys: Sequence[str], *, first: int = 0, last: int | None = None, points: int = 1500
    ) -> SeriesView:
        """Series that are not of every batch (validation, heavy signals)."""
        ...

    def histograms(self, *, first: int = 0, last: int | None = None, columns: int = 120) -> HistogramView: ...

    def window_counts(self, images: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]:
        """(predicted counts per class, label counts per class, images) over the latest ``images`` predictions."""
        ...

    def tail(self, keys: Sequence[str], rows: int) -> SeriesView: ...

    def latest(self) -> Mapping[str, float]:
        """Last value of every key."""
        ...

    def samples(self, split: SampleSet) -> SamplesTaken | None: ...

    def facts(self) -> Mapping[str, Any]: ...

    def close(self) -> None: ...
