"""The signals of every batch, computed on the device for a few steps at once and read without making it wait."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeft_core.diagnostics.signals import BATCH_SIGNALS, MARGIN_SIGNALS, BatchView
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

RATE_OVER_S = 3.0
MEMORY_EVERY_S = 1.0


@dataclass(slots=True)
class _Step:
    """One step and what was so at its moment.

    Attributes:
        group_size: steps of the group that it belongs to; ``closes_group`` tells whether it is the last of them.
        followed_by: what happened behind it, while it waits to be told.
    """

    step: int
    stage: int
    epoch: float
    whole_epoch: int
    taken: StepTaken
    in_force: Mapping[str, float]
    rows_B: IntArray
    group_size: int
    closes_group: bool
    followed_by: list[Event] = field(default_factory=list)

    def goes_with(self, other: _Step) -> bool:
        mine, its = self.taken, other.taken
        return (
            self.group_size == other.group_size
            and mine.forward.view.goes_with(its.forward.view)
            and mine.norms.keys() == its.norms.keys()
            and (mine.forward.loss_contrastive is None) == (its.forward.loss_contrastive is None)
        )


@dataclass(slots=True)
class _Pending:
    """Some steps whose numbers are on their way to the host: one row each."""

    steps: Sequence[_Step]
    names: tuple[str, ...]
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
        self._group: list[_Step] = []
        self._pending: deque[_Pending] = deque()
        self._speed = _Speed()
        self._telling = False

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:  # noqa: ARG002
        self._speed.start()
        return ()

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterator[Event]:
        step = _step(leg, batch, taken, self._speed.scalars(len(batch.labels_B), leg.session.device))
        if self._group and not step.goes_with(self._group[0]):
            self._send()
        self._group.append(step)
        if step.closes_group:
            self._send()
        while self._pending and (self._pending[0].has_arrived() or self._waiting > PENDING_AT_MOST):
            yield from self._done(leg)

    def after_epoch(self, leg: Leg) -> Iterator[Event]:
        return self.flush(leg)

    def tell(self, leg: Leg) -> Iterator[Event]:
        """Wait for the numbers of all steps taken so far."""
        self._send()
        self._telling = True
        while self._pending:
            yield from self._done(leg)
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
        return self._window.state()

    def load(self, state: dict[str, Any]) -> None:
        self._window.load(state)

    @property
    def _waiting(self) -> int:
        return sum(len(one.steps) for one in self._pending)

    def _send(self) -> None:
        if self._group:
            self._pending.append(_pack(self._group))
            self._group = []

    def _done(self, leg: Leg) -> Iterator[Event]:
        group = self._pending.popleft()
        if group.arrived is not None:
            group.arrived.synchronize()
        table_SN, n = group.packed.numpy(), len(group.names)
        self._stop_at_nonfinite(leg, group, table_SN)
        rows_SB = np.stack([one.rows_B for one in group.steps])
        images_4SB = _images(table_SN[:, n:], leg.session.dataset.labels_N[rows_SB])
        told = self._window.add(images_4SB)
        predicted_SB, labels_SB = images_4SB[:2]
        for place, (step, values) in enumerate(zip(group.steps, table_SN[:, :n].tolist(), strict=True)):
            yield BatchDone(
                step=step.step,
                stage=step.stage,
                epoch=step.epoch,
                scalars={**_named(group.names, values), **step.in_force, **told[place]},
                predicted_B=predicted_SB[place],
                labels_B=labels_SB[place],
            )
            yield from step.followed_by

    def _stop_at_nonfinite(self, leg: Leg, group: _Pending, table_SN: FloatArray) -> None:
        for step, finite in zip(group.steps, table_SN[:, group.names.index("finite")], strict=True):
            if not finite:
                raise leg.nonfinite(step.step, step.whole_epoch, step.rows_B)


@torch.inference_mode()
def batch_scalars(view: BatchView) -> dict[str, Tensor]:
    """All per-batch signals of a step, or of several stacked steps (one number each), on the device."""
    scalars = {name: signal(view) for name, signal in BATCH_SIGNALS.items()}
    if view.same_image_B is not None:
        scalars["cos_same_image"] = view.same_image_B.nanmean(dim=-1)
    if view.with_margin_B is not None:
        scalars |= {name: signal(view, view.with_margin_B) for name, signal in MARGIN_SIGNALS.items()}
    return scalars


def _group(leg: Leg, taken: StepTaken) -> tuple[int, bool]:
    """Steps to compute together, and whether this is the last of them.

    Both depend on the place in the epoch alone: a run that was stopped must tell the same numbers again.
    """
    if not leg.feed.cached or taken.forward.view.logits_BC.numel() > GROUPED_LOGITS_AT_MOST:
        return 1, True
    done, steps = leg.session.position.batch, leg.session.steps_per_epoch
    start = (done - 1) // GROUP * GROUP
    size = min(GROUP, steps - start)
    return size, done == start + size


def _step(leg: Leg, batch: StepBatch, taken: StepTaken, speed: Mapping[str, float]) -> _Step:
    position = leg.session.position
    group_size, closes_group = _group(leg, taken)
    return _Step(
        step=position.step,
        stage=leg.index,
        epoch=leg.epoch_position,
        whole_epoch=position.epoch,
        taken=taken,
        in_force={**_in_force(leg, taken), **speed},
        rows_B=batch.indices_B.numpy(),
        group_size=group_size,
        closes_group=closes_group,
    )


@torch.inference_mode()
def _pack(steps: Sequence[_Step]) -> _Pending:
    """Start the numbers of some steps on their way.

    A group that was cut short is filled up with its last step: sums of tensors of another shape may be added in
    another order, and a run that was stopped must tell the same digits as one that was not.
    """
    missing = steps[-1].group_size - len(steps)
    taken = [one.taken for one in steps] + [steps[-1].taken] * missing
    passed = [one.forward for one in taken]
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
            view.predicted_B.float(),  # exact up to 16 million classes
            view.top5_hit_B.float(),
        ],
        dim=1,
    )
    packed_SN, arrived = _to_host(packed_SN[: len(steps)])
    return _Pending(tuple(steps), tuple(scalars), packed_SN, arrived)


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


def _in_force(leg: Leg, taken: StepTaken) -> dict[str, float]:
    head = leg.session.live.head
    return {f"lr_{group}": rate for group, rate in taken.rates.items()} | {
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

    def scalars(self, images: int, device: torch.device) -> dict[str, float]:
        now = time.monotonic()
        self._marks.append((now, self._marks[-1][1] + images))
        while len(self._marks) > 2 and self._marks[1][0] < now - RATE_OVER_S:
            self._marks.popleft()
        if now - self._memory[0] >= MEMORY_EVERY_S:
            self._memory = (now, memory_mib(device))
        (start, before), (end, after) = self._marks[0], self._marks[-1]
        return {
            "images_per_s": (after - before) / max(1e-9, end - start),
            "device_memory_mib": self._memory[1],
        }
