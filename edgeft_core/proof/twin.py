"""One twin: the real engine on the run's own data, step by step, with what it shows on the way. Needs torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch

from edgeft_core.config import RunConfig
from edgeft_core.engine.controls import NoControls
from edgeft_core.engine.examination import Embedded, embed_split, score
from edgeft_core.engine.preparation import prepare
from edgeft_core.engine.session import Session
from edgeft_core.engine.train import train_session
from edgeft_core.errors import TrainingError
from edgeft_core.events import BatchDone, Event, Progress, SignalsMeasured
from edgeft_core.proof import limits
from edgeft_core.proof.record import Twin
from edgeft_core.proof.sampling import sample
from edgeft_core.settings import START_CHECKPOINT

Tell = Callable[[str, int, int], None]
T = TypeVar("T")

# Signal of the engine -> its name in the record.
BATCH = {
    "max_class_share": "max_class_share",
    "effective_classes": "effective_classes",
    "label_max_share": "label_max_share",
    "top1_running": "top1",
    "top5_running": "top5",
    "cos_different": "cos_different",
    "loss": "loss",
    "window_images": "window_images",
}
VALIDATION = ("val_top1", "val_top5", "val_max_class_share", "val_effective_classes", "val_cos_different")
_LAST_BATCHES = 8
_NOISY = frozenset({"cos_different", "loss"})


class TwinRun:
    """A run that nobody but the trial sees. Two of them may take turns: each keeps its own random state.

    Attributes:
        name: for progress.
        broke: why it cannot go on; empty while it can.
        left_out: what was sampled, in a sentence; empty where nothing was.
    """

    def __init__(self, name: str, config: RunConfig, folder: Path, cache: Path, tell: Tell) -> None:
        self.name = name
        self.broke = ""
        self._tell = tell
        self._random = torch.get_rng_state()
        self._rows: dict[int, dict[str, float]] = {}
        self._steps = self._last_step = 0
        self._embedded: Embedded | None = None
        with self._own_random():
            self.session = self._prepared(config, folder, cache)
            self.left_out = sample(self.session, fresh=not (folder / START_CHECKPOINT).exists())
            self._events = train_session(self.session, NoControls())

    @property
    def trains_backbone(self) -> bool:
        """Whether the stage in progress does."""
        return self.session.embedder.trains

    @property
    def at_end(self) -> bool:
        """Whether the run has no more steps; after them only the final test would come."""
        return 0 < self.session.steps_total <= self._last_step

    def advance(self) -> bool:
        """Take the next step; whether there was one."""
        if self.broke:
            return False
        with self._own_random():
            try:
                event = self._next(BatchDone)
            except TrainingError as error:
                self.broke = str(error)
                return False
        if event is None:
            return False
        self._steps += 1
        self._last_step = event.step
        scalars = event.scalars
        self._rows[self._steps] = {ours: scalars[name] for name, ours in BATCH.items() if name in scalars}
        return True

    def validate(self) -> None:
        """Score images that were never trained on, margin off, with the weights as they are."""
        if not self.session.dataset.splits["validation"].size:
            return
        with self._own_random():
            embedded = self._embedded or _returned(
                embed_split(self.session, "validation", limits.VALIDATION_IMAGES), self._told
            )
            scalars = score(self.session, "validation", embedded).scalars
        self._embedded = None if self.trains_backbone else embedded
        row = self._rows.setdefault(self._steps, {})
        row |= {name: scalars[name] for name in VALIDATION if name in scalars}
        row["val_images"] = float(len(embedded.rows_N))

    def result(self) -> Twin:
        """What it showed, thinned for a small chart."""
        looked = {step for step, row in self._rows.items() if "val_images" in row}
        steps = sorted(looked.union(_thinned(sorted(self._rows))))
        names = [*BATCH.values(), *VALIDATION]
        series = {name: tuple(self._rows[step].get(name) for step in steps) for name in names}
        kept = {name: values for name, values in series.items() if any(value is not None for value in values)}
        return Twin(tuple(steps), kept, self._measured(), self.broke)

    def close(self) -> None:
        """Let go of readers and memory."""
        self._events.close()  # type: ignore[attr-defined]

    def _measured(self) -> dict[str, float]:
        """Last values; noisy ones over the last batches."""
        found: dict[str, float] = {}
        for step in sorted(self._rows):
            found |= self._rows[step]
        last = [self._rows[step] for step in sorted(self._rows)[-_LAST_BATCHES:]]
        for name in _NOISY:
            values = [row[name] for row in last if name in row]
            if values:
                found[name] = math.fsum(values) / len(values)
        return found

    def _prepared(self, config: RunConfig, folder: Path, cache: Path) -> Session:
        return _returned(prepare(config, folder=folder, cache=cache), self._told)

    def _next(self, kind: type[BatchDone]) -> BatchDone | None:
        for event in self._events:
            self._told(event)
            if isinstance(event, kind):
                return event
        return None

    def _told(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._tell(f"{event.what}, {self.name}", event.done, event.total)
        elif isinstance(event, SignalsMeasured):
            row = self._rows.setdefault(self._steps, {})
            row |= {name: event.scalars[name] for name in VALIDATION if name in event.scalars}

    @contextmanager
    def _own_random(self) -> Iterator[None]:
        """torch's generator is one for the process: dropout of one twin must not move the other's."""
        outside = torch.get_rng_state()
        torch.set_rng_state(self._random)
        try:
            yield
        finally:
            self._random = torch.get_rng_state()
            torch.set_rng_state(outside)


def _returned(working: Generator[Event, None, T], told: Callable[[Event], None]) -> T:
    """Let a generator of events run to its end; what it returns."""
    while True:
        try:
            event = next(working)
        except StopIteration as done:
            result: T = done.value
            return result
        told(event)


def _thinned(steps: Sequence[int]) -> list[int]:
    """At most ``limits.POINTS`` of them, evenly spread, with the first and the last."""
    if len(steps) <= limits.POINTS:
        return list(steps)
    places = [round(place * (len(steps) - 1) / (limits.POINTS - 1)) for place in range(limits.POINTS)]
    return [steps[place] for place in places]
