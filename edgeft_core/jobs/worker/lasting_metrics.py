"""A run's metrics that outlive damage to their file: it is set aside, and recording goes on in a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from edgeft_core.errors import DamagedError, EdgeFTError
from edgeft_core.events import BatchDone, SamplesTaken
from edgeft_core.store import open_metrics_writer
from edgeft_core.store.contract import MetricsWriter

T = TypeVar("T")

log = logging.getLogger(__name__)


class LastingMetrics:
    """The ``MetricsWriter`` contract over a file that may turn out to be damaged.

    What was not flushed when the damage was found (0.2 s of training) is lost with it.

    Args:
        told: is told in a sentence what happened to the file.
    """

    def __init__(self, path: Path, n_classes: int, told: Callable[[str], None]) -> None:
        self._path = path
        self._n_classes = n_classes
        self._told = told
        self._facts: dict[str, Any] = {}
        self._writer: MetricsWriter | None = None
        self._do(lambda writer: writer.flush())

    def add_batch(self, event: BatchDone, *, at: datetime, epoch_total: float) -> None:
        self._do(lambda writer: writer.add_batch(event, at=at, epoch_total=epoch_total))

    def add_signals(
        self, step: int, scalars: Mapping[str, float], *, at: datetime, epoch_total: float
    ) -> None:
        self._do(lambda writer: writer.add_signals(step, scalars, at=at, epoch_total=epoch_total))

    def put_samples(self, event: SamplesTaken) -> None:
        self._do(lambda writer: writer.put_samples(event))

    def put_facts(self, facts: Mapping[str, Any]) -> None:
        self._facts |= facts
        self._do(lambda writer: writer.put_facts(facts))

    def truncate_after(self, step: int) -> None:
        self._do(lambda writer: writer.truncate_after(step))

    def flush(self) -> None:
        self._do(lambda writer: writer.flush())

    def close(self) -> None:
        if self._writer is not None:
            self._do(lambda writer: writer.close())

    def _do(self, call: Callable[[MetricsWriter], T]) -> T:
        try:
            return call(self._opened())
        except DamagedError as error:
            self._set_aside(error)
            return call(self._opened())

    def _opened(self) -> MetricsWriter:
        if self._writer is None:
            self._writer = open_metrics_writer(self._path, self._n_classes)
            self._writer.put_facts(self._facts)
        return self._writer

    def _set_aside(self, error: DamagedError) -> None:
        log.error("%s", error)
        if self._writer is not None:
            with suppress(EdgeFTError):
                self._writer.close()
            self._writer = None
        kept = _free_name(self._path)
        self._path.replace(kept)
        for rest in ("-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                self._path.with_name(self._path.name + rest).replace(kept.with_name(kept.name + rest))
        self._told(
            f"The recorded numbers were damaged; the file was set aside as {kept.name}, and recording goes on in a "
            "new one. Checkpoints and training are untouched."
        )


def _free_name(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return kept
