"""The signals of every batch, computed on the device for a few steps at once and read without making it wait."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.signals import (
    BATCH_SIGNALS,
    EMBEDDING_SIGNALS,
    MARGIN_SIGNALS,
    BatchView,
    EmbeddingView,
)
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.device import memory_mib
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.step import StepTaken
from edgeft_core.engine.window import PredictionWindow
from edgeft_core.events import BatchDone, Event, FloatArray, IntArray

PENDING_AT_MOST = 32
"""Steps that may wait for their numbers on CUDA before the host waits for the oldest."""

GROUP = 32
"""Short steps whose signals are computed together: for one step, calling the functions costs more than they do.

Groups stand at fixed places of an epoch."""

GROUPED_LOGITS_AT_MOST = 1 << 17
"""Logits of one step up to which steps count as short."""

FROZEN_EVERY = 16
"""Embeddings of a frozen backbone do not change: those of every so many-th batch of an epoch are looked at."""

RATE_OVER_S = 3.0
MEMORY_EVERY_S = 1.0


@dataclass(slots=True)
class _Step:
    """One step and what was so at its moment; everything else about it is worked out with the others of its group.

    Attributes:
        batch: its place in the epoch, from 1.
        at_s: when it was done, by the monotonic clock.
        followed_by: what happened behind it, while it waits to be told.
    """

    step: int
    epoch: int
    batch: int
    taken: StepTaken
    rows_B: Tensor
    config: RunConfig
    at_s: float
    followed_by: list[Event] = field(default_factory=list)

    def goes_with(self, other: _Step) -> bool:
        mine, its = self.taken, other.taken
        return (
            mine.forward.view.goes_with(its.forward.view)
            and mine.norms.keys() == its.norms.keys()
            and (mine.forward.loss_contrastive is None) == (its.forward.loss_contrastive is None)
        )


@dataclass(slots=True)
class _Pending:
    """Some steps whose numbers are on their way to the host: one row each.

    Attributes:
        names: what the first numbers of a row are; the last of them are ``EMBEDDING_SIGNALS``.
        looked_at: places of the steps whose embeddings were looked at.
    """

    stage: int
    steps: Sequence[_Step]
    names: tuple[str, ...]
    looked_at: range
    packed: Tensor
    arrived: torch.cuda.Event | None

    def has_arrived(self) -> bool:
        return self.arrived is None or bool(self.arrived.query())  # type: ignore[no-untyped-call]


class BatchMonitor(Collaborator):
    """Turns steps into ``BatchDone``, a few steps late: short ones in groups, and on CUDA when their numbers arrive.

    All numbers of a group travel in one small tensor to pinned memory, so nothing waits for the device.
    """

    def __init__(self, window_images: int, n_classes: int) -> None:
        self._window = PredictionWindow(window_images, n_classes)
        self._embedded = [math.nan] * len(EMBEDDING_SIGNALS)
        self._group: list[_Step] = []
        self._size = self._last = 0
        self._pending: deque[_Pending] = deque()
        self._speed = _Speed()
        self._telling = False

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:  # noqa: ARG002
        self._speed.start()
        return ()

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:
        position, config = leg.session.position, leg.session.live.config
        step = _Step(
            position.step, position.epoch, position.batch, taken, batch.indices_B, config, time.monotonic()
        )
        if self._group and not step.goes_with(self._group[0]):
            self._send(leg)
        if not self._group:
            self._size, self._last = _group(leg, taken)
        self._group.append(step)
        if step.batch == self._last:
            self._send(leg)
        return self._arrived(leg) if self._pending else ()

    def _arrived(self, leg: Leg) -> Iterator[Event]:
        while self._pending and (self._pending[0].has_arrived() or self._waiting > PENDING_AT_MOST):
            yield from self._done(leg)

    def after_epoch(self, leg: Leg) -> Iterator[Event]:
        return self.flush(leg)

    def tell(self, leg: Leg) -> Iterator[Event]:
        """Wait for the numbers of all steps taken so far."""
        self._send(leg)
        self._telling = True
        try:
            while self._pending:
                yield from self._done(leg)
        finally:
            self._telling = False

    def flush(self, leg: Leg) -> Iterator[Event]:
        """:meth:`tell`, before something that is no training."""
        yield from self.tell(leg)
        self._speed.stop()

    def in_line(self, event: Event) -> Iterable[Event]:
        """What is to be told now of ``event``: nothing while steps wait, for it comes behind the latest of them."""
        latest = None if self._telling else self._latest_waiting()
        if latest is None:
            return (event,)
        latest.followed_by.append(event)
        return ()

    def _latest_waiting(self) -> _Step | None:
        if self._group:
            return self._group[-1]
        return self._pending[-1].steps[-1] if self._pending else None

    def state(self) -> dict[str, Any]:
        return {**self._window.state(), "embedded": self._embedded}

    def load(self, state: dict[str, Any]) -> None:
        self._window.load(state)
        self._embedded = state.get(
            "embedded", [math.nan] * len(EMBEDDING_SIGNALS)
        )  # none in older checkpoints

    @property
    def _waiting(self) -> int:
        return sum(len(one.steps) for one in self._pending)

    def _send(self, leg: Leg) -> None:
        if self._group:
            self._pending.append(_pack(leg.index, self._group, self._size))
            self._group = []

    def _done(self, leg: Leg) -> Iterator[Event]:
        group = self._pending.popleft()
        if group.arrived is not None:
            group.arrived.synchronize()
        self._stop_at_nonfinite(leg, group)
        for step, done in zip(group.steps, self._told(leg, group), strict=True):
            yield done
            yield from step.followed_by

    def _told(self, leg: Leg, group: _Pending) -> list[BatchDone]:
        """All steps of a group at one go: between two training steps nothing of this is in the processor's caches."""
        table_SN, n, steps_per_epoch = group.packed.numpy(), len(group.names), leg.session.steps_per_epoch
        self._hold(table_SN[:, n - len(EMBEDDING_SIGNALS) : n], group.looked_at)
        rows_SB = torch.stack([one.rows_B for one in group.steps]).numpy()
        images_4SB = _images(table_SN[:, n:], leg.session.dataset.labels_N[rows_SB])
        predicted_SB, labels_SB = images_4SB[:2]
        windows = self._window.add(images_4SB)
        speeds = self._speed.scalars(group.steps, leg.session.device)
        measured = table_SN[:, :n].tolist()
        return [
            BatchDone(
                step=step.step,
                stage=group.stage,
                epoch=step.epoch + step.batch / steps_per_epoch,
                scalars={
                    **_named(group.names, measured[place]),
                    **_in_force(step),
                    **speeds[place],
                    **windows[place],
                },
                predicted_B=predicted_SB[place],
                labels_B=labels_SB[place],
            )
            for place, step in enumerate(group.steps)
        ]

    def _hold(self, table_SE: FloatArray, looked_at: range) -> None:
        """What the latest look at embeddings found holds until the next."""
        table_SE[: looked_at.start] = self._embedded
        for place in looked_at:
            table_SE[place : place + looked_at.step] = table_SE[place]
        self._embedded = table_SE[-1].tolist()

    def _stop_at_nonfinite(self, leg: Leg, group: _Pending) -> None:
        finite_S = group.packed[:, group.names.index("finite")].tolist()
        for step, finite in zip(group.steps, finite_S, strict=True):
            if not finite:
                raise leg.nonfinite(step.step, step.epoch, step.rows_B.numpy())


@torch.inference_mode()
def batch_scalars(view: BatchView) -> dict[str, Tensor]:
    """What the head made of a step, or of several stacked steps (one number each), on the device."""
    scalars = {name: signal(view) for name, signal in BATCH_SIGNALS.items()}
    if view.same_image_B is not None:
        scalars["cos_same_image"] = view.same_image_B.nanmean(dim=-1)
    if view.with_margin_B is not None:
        scalars |= {name: signal(view, view.with_margin_B) for name, signal in MARGIN_SIGNALS.items()}
    return scalars


def _group(leg: Leg, taken: StepTaken) -> tuple[int, int]:
    """How many steps to compute together, and the place in the epoch of the last of them.

    Both depend on the place in the epoch alone: a run that was stopped must tell the same numbers again.
    """
    done, steps = leg.session.position.batch, leg.session.steps_per_epoch
    if not leg.feed.cached or taken.forward.view.logits_BC.numel() > GROUPED_LOGITS_AT_MOST:
        return 1, done
    start = (done - 1) // GROUP * GROUP
    last = min(start + GROUP, steps)
    return last - start, last


@torch.inference_mode()
def _pack(stage: int, steps: Sequence[_Step], size: int) -> _Pending:
    """Start the numbers of some steps on their way.

    A group that was cut short is filled up with its last step: sums of tensors of another shape may be added in
    another order, and a run that was stopped must tell the same digits as one that was not.
    """
    taken = [one.taken for one in steps] + [steps[-1].taken] * (size - len(steps))
    passed = [one.forward for one in taken]
    looked_at, embedded_ES = _embedding_scalars(steps, size)
    view = BatchView.stacked([one.view for one in passed])
    scalars = {
        "finite": torch.stack([one.finite for one in taken]),
        "loss": torch.stack([one.loss for one in passed]),
        **batch_scalars(view),
    }
    for group in taken[0].norms:
        scalars[f"grad_norm_{group}"] = torch.stack([one.norms[group] for one in taken])
    if contrastive := [one.loss_contrastive for one in passed if one.loss_contrastive is not None]:
        scalars["loss_contrastive"] = torch.stack(contrastive)
    packed_SN = torch.cat(
        [
            torch.stack([one.float() for one in scalars.values()], dim=1),
            embedded_ES.T,
            view.predicted_B.float(),  # exact up to 16 million classes
            view.top5_hit_B.float(),
        ],
        dim=1,
    )
    packed_SN, arrived = _to_host(packed_SN[: len(steps)])
    return _Pending(stage, steps, (*scalars, *EMBEDDING_SIGNALS), looked_at, packed_SN, arrived)


def _embedding_scalars(steps: Sequence[_Step], size: int) -> tuple[range, Tensor]:
    """Places of the steps whose embeddings are looked at, and the signals of all ``size``, NaN where they are not."""
    every = FROZEN_EVERY if size > 1 else 1
    places = range((1 - steps[0].batch) % every, len(steps), every)
    views = [steps[place].taken.forward.embeddings for place in places]
    filled_up = views + [steps[-1].taken.forward.embeddings] * (-(-size // every) - len(views))
    view = EmbeddingView.stacked(filled_up)
    found_EL = torch.stack([signal(view) for signal in EMBEDDING_SIGNALS.values()])
    all_ES = found_EL.new_full((len(found_EL), size), math.nan)
    all_ES[:, places.start : len(steps) : every] = found_EL[:, : len(places)]
    return places, all_ES


def _to_host(packed: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    if packed.device.type != "cuda":
        return packed.cpu(), None
    pinned = torch.empty(packed.shape, dtype=packed.dtype, pin_memory=True)
    pinned.copy_(packed, non_blocking=True)
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(packed.device))
    return pinned, arrived


def _named(names: tuple[str, ...], values: list[float]) -> dict[str, float]:
    """Scalars that have a value."""
    named = zip(names, values, strict=True)
    return {name: value for name, value in named if name != "finite" and not math.isnan(value)}


def _images(told_S2B: FloatArray, labels_SB: IntArray) -> IntArray:
    """Predicted and true class, and whether the label is the best and among the best five; shape (4, S, B)."""
    predicted_SB, top5_SB = told_S2B.astype(np.int64).reshape(len(labels_SB), 2, -1).transpose(1, 0, 2)
    return np.stack([predicted_SB, labels_SB, predicted_SB == labels_SB, top5_SB])


def _in_force(step: _Step) -> dict[str, float]:
    head = step.config.head
    return {f"lr_{group}": rate for group, rate in step.taken.rates.items()} | {
        "scale": head.scale,
        "margin_rad": head.margin_rad,
        "temperature": head.temperature,
        "centre": float(head.centre),
    }


class _Speed:
    """Images per second over the last seconds, and memory now and then."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()
        self._memory = (-math.inf, 0.0)

    def start(self) -> None:
        """The clock runs from the first step on."""
        if not self._marks:
            self._marks.append((time.monotonic(), 0))

    def stop(self) -> None:
        """Validation and pauses are not training time."""
        self._marks.clear()

    def scalars(self, steps: Iterable[_Step], device: torch.device) -> list[dict[str, float]]:
        now = time.monotonic()
        if now - self._memory[0] >= MEMORY_EVERY_S:
            self._memory = (now, memory_mib(device))
        return [
            {"images_per_s": self._rate(one.at_s, one.rows_B.shape[0]), "device_memory_mib": self._memory[1]}
            for one in steps
        ]

    def _rate(self, now: float, images: int) -> float:
        marks = self._marks
        marks.append((now, marks[-1][1] + images))
        while len(marks) > 2 and marks[1][0] < now - RATE_OVER_S:
            marks.popleft()
        (start, before), (end, after) = marks[0], marks[-1]
        return (after - before) / max(1e-9, end - start)
