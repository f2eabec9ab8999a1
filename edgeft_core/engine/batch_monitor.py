"""The signals of every batch, computed on the device and read without making it wait."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from edgeft_core.events import BatchDone, Event, IntArray

PENDING_AT_MOST = 16
"""Steps that may wait for their numbers on CUDA before the host waits for the oldest."""

RATE_OVER_S = 3.0
MEMORY_EVERY_S = 1.0


@dataclass(slots=True)
class _Pending:
    """One step whose numbers are on their way to the host."""

    step: int
    stage: int
    epoch: float
    whole_epoch: int
    names: tuple[str, ...]
    packed: Tensor
    arrived: torch.cuda.Event | None
    in_force: Mapping[str, float]
    rows_B: IntArray


class BatchMonitor(Collaborator):
    """Turns steps into ``BatchDone``: at once on CPU, a few steps late on CUDA.

    All numbers of a step travel in one small tensor to pinned memory, so nothing waits for the device.
    """

    def __init__(self, window_images: int, n_classes: int) -> None:
        self._window = PredictionWindow(window_images, n_classes)
        self._pending: deque[_Pending] = deque()
        self._speed = _Speed()

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:  # noqa: ARG002
        self._speed.start()
        return ()

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterator[Event]:
        self._pending.append(_send(leg, batch, taken))
        while self._pending and (_has_arrived(self._pending[0]) or len(self._pending) > PENDING_AT_MOST):
            yield self._done(leg)

    def after_epoch(self, leg: Leg) -> Iterator[Event]:
        return self.flush(leg)

    def flush(self, leg: Leg) -> Iterator[Event]:
        """Wait for the numbers of all steps taken so far."""
        while self._pending:
            yield self._done(leg)
        self._speed.stop()

    def state(self) -> dict[str, Any]:
        return self._window.state()

    def load(self, state: dict[str, Any]) -> None:
        self._window.load(state)

    def _done(self, leg: Leg) -> BatchDone:
        one = self._pending.popleft()
        if one.arrived is not None:
            one.arrived.synchronize()
        scalars, predicted, top5 = _unpack(one)
        if not scalars.pop("finite"):
            raise leg.nonfinite(one.step, one.whole_epoch, one.rows_B)
        labels_B = leg.session.dataset.labels_N[one.rows_B]
        labels = labels_B.tolist()
        top1 = [int(guess == label) for guess, label in zip(predicted, labels, strict=True)]
        self._window.add(predicted, labels, top1, top5)
        return BatchDone(
            step=one.step,
            stage=one.stage,
            epoch=one.epoch,
            scalars={
                **scalars,
                **one.in_force,
                "top1": sum(top1) / len(labels),
                "top5": sum(top5) / len(labels),
                "batch_label_classes": _evenness(labels),
                **self._window.scalars(),
                **self._speed.scalars(len(labels), leg.session.device),
            },
            predicted_B=np.array(predicted, np.int64),
            labels_B=labels_B,
        )


@torch.inference_mode()
def batch_scalars(view: BatchView) -> dict[str, Tensor]:
    """All per-batch signals as 0-dim tensors on the device."""
    scalars = {name: signal(view) for name, signal in BATCH_SIGNALS.items()}
    if view.same_image_B is not None:
        scalars["cos_same_image"] = view.same_image_B.nanmean()
    if view.with_margin_B is not None:
        scalars |= {name: signal(view, view.with_margin_B) for name, signal in MARGIN_SIGNALS.items()}
    return scalars


@torch.inference_mode()
def _send(leg: Leg, batch: StepBatch, taken: StepTaken) -> _Pending:
    passed = taken.forward
    scalars = {"finite": taken.finite, "loss": passed.loss, **batch_scalars(passed.view)}
    scalars |= {f"grad_norm_{group}": norm for group, norm in taken.norms.items()}
    if passed.loss_contrastive is not None:
        scalars["loss_contrastive"] = passed.loss_contrastive
    view = passed.view
    packed = torch.cat(
        [
            torch.stack(list(scalars.values())),
            view.predicted_B.float(),  # exact up to 16 million classes
            view.top5_hit_B.float(),
        ]
    )
    position = leg.session.position
    packed, arrived = _to_host(packed)
    return _Pending(
        step=position.step,
        stage=leg.index,
        epoch=leg.epoch_position,
        whole_epoch=position.epoch,
        names=tuple(scalars),
        packed=packed,
        arrived=arrived,
        in_force=_in_force(leg, taken),
        rows_B=batch.indices_B.numpy(),
    )


def _to_host(packed: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    if packed.device.type != "cuda":
        return packed.cpu(), None
    pinned = torch.empty(packed.shape, dtype=packed.dtype, pin_memory=True)
    pinned.copy_(packed, non_blocking=True)
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(packed.device))
    return pinned, arrived


def _has_arrived(one: _Pending) -> bool:
    return one.arrived is None or bool(one.arrived.query())  # type: ignore[no-untyped-call]


def _unpack(one: _Pending) -> tuple[dict[str, float], list[int], list[int]]:
    """Scalars that have a value, by name; predicted class and whether the label is among the best five, per image."""
    values = one.packed.tolist()
    n, n_images = len(one.names), len(one.rows_B)
    named = zip(one.names, values, strict=False)
    scalars = {name: value for name, value in named if not math.isnan(value)}
    return scalars, list(map(int, values[n : n + n_images])), list(map(int, values[n + n_images :]))


def _evenness(labels: list[int]) -> float:
    """Effective number of classes of a batch, without the cost of arrays for a few dozen labels."""
    n = len(labels)
    weight = math.fsum(count * math.log(count) for count in Counter(labels).values())
    return math.exp(math.log(n) - weight / n)


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
