"""One optimiser step: forward, backward, clip, and no update where anything is not finite."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

import torch
from torch import Tensor

from edgeft_core.config import StageConfig
from edgeft_core.engine.device import Precision
from edgeft_core.engine.embedder import Embedder
from edgeft_core.engine.forward import Forward, StepBatch, forward
from edgeft_core.engine.memory_signs import is_out_of_memory, release
from edgeft_core.engine.optimisers import build_optimiser, clip, set_rates
from edgeft_core.engine.random_numbers import random_state, restore_random
from edgeft_core.models.heads import MarginHead


class NonFiniteStepError(Exception):
    """A loss or gradient was NaN or infinite; the optimiser step was not taken. The engine explains where."""


class _Remembered:
    """What a forward pass changes: the head's running mean and the random numbers."""

    def __init__(self, head: MarginHead, device: torch.device) -> None:
        self._head = head
        self._device = device
        self._mean = {name: value.clone() for name, value in head.running_mean.state_dict().items()}
        self._random = random_state(device)

    def restore(self) -> None:
        self._head.running_mean.load_state_dict(self._mean)
        restore_random(self._random, self._device)


@dataclass(frozen=True)
class StepTaken:
    """What a step leaves for signals.

    Attributes:
        norms: gradient norm of each group before clipping, on the device.
        rates: learning rate of each group.
        finite: 1 where loss and gradients were finite (and have always been), else 0; on the device.
    """

    forward: Forward
    norms: dict[str, Tensor]
    rates: dict[str, float]
    finite: Tensor


class Stepper:
    """Takes the steps of one stage.

    Off CUDA a non-finite step raises at once. On CUDA asking would make the host wait, so the optimiser's kernel
    skips the update by itself from that step on (``found_inf``), and whoever reads ``finite`` later stops the run.
    """

    def __init__(self, embedder: Embedder, head: MarginHead, precision: Precision) -> None:
        self.embedder = embedder
        self.head = head
        self.optimiser = build_optimiser(head, embedder.backbone if embedder.trains else None)
        self.scaler = torch.amp.GradScaler(embedder.device.type, enabled=precision.scaled)
        self._finite = torch.ones((), device=embedder.device)

    def take_over(self, before: Stepper) -> None:
        """Go on where another stepper stood: what it knew of the parameters that both train."""
        for group in self.optimiser.param_groups:
            for parameter in group["params"]:
                if parameter in before.optimiser.state:
                    self.optimiser.state[parameter] = before.optimiser.state[parameter]
        self.scaler.load_state_dict(before.scaler.state_dict())
        self._finite = before._finite

    def __call__(self, batch: StepBatch, settings: StageConfig, factor: float) -> StepTaken:
        """Take one step with the stage's settings in force; ``factor`` scales its peak learning rates.

        A batch of pixels that does not fit into memory is tried again in halves, quarters, ...

        Raises:
            NonFiniteStepError: off CUDA, before the update.
        """
        rates = set_rates(self.optimiser, settings, factor)
        self.head.train()
        passed = self._gradients(batch, settings) if batch.faces is None else self._that_fit(batch, settings)
        self.scaler.unscale_(self.optimiser)
        norms = clip(self.optimiser, settings.clip_norm)
        self._judge(passed.total.detach(), norms)
        self._update()
        return StepTaken(passed, norms, rates, self._finite)

    def _gradients(self, batch: StepBatch, settings: StageConfig) -> Forward:
        passed = forward(batch, self.embedder, self.head, settings.contrastive_weight)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(self._poisoned(passed.total)).backward()  # type: ignore[no-untyped-call]
        return passed

    def _that_fit(self, batch: StepBatch, settings: StageConfig) -> Forward:
        """Gradients of the batch in parts as large as memory allows; an attempt that failed leaves no trace."""
        device = self.embedder.device
        before = _Remembered(self.head, device)
        while True:
            try:
                return self._gradients(batch, settings)
            except (RuntimeError, MemoryError) as error:
                now = self.embedder.part or len(batch.labels_B)
                if now == 1 or not is_out_of_memory(error):
                    raise
                traceback.clear_frames(error.__traceback__)  # they hold the tensors that filled the memory
            self.embedder.part = now // 2
            self.optimiser.zero_grad(set_to_none=True)
            release(device)
            before.restore()

    def try_pass(self, batch: StepBatch, settings: StageConfig) -> None:
        """Forward and backward without an update: does this batch fit into memory?"""
        self.head.train()
        passed = forward(batch, self.embedder, self.head, settings.contrastive_weight)
        passed.total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.zero_grad(set_to_none=True)

    def _poisoned(self, total: Tensor) -> Tensor:
        """With a scaled loss, a non-finite step turns all later ones into NaN, so that the scaler skips them too."""
        if not self.scaler.is_enabled():
            return total
        return total * torch.where(self._finite > 0, 1.0, torch.nan)

    def _judge(self, total: Tensor, norms: dict[str, Tensor]) -> None:
        finite = torch.isfinite(total)
        if not self.scaler.is_enabled():  # a scaled loss overflows now and then, and the scaler sees to it
            for norm in norms.values():
                finite = finite & torch.isfinite(norm)
        if self.embedder.device.type != "cuda":
            if not bool(finite):
                raise NonFiniteStepError
            return
        self._finite = self._finite * finite

    def _update(self) -> None:
        if self.scaler.is_enabled():
            self.scaler.step(self.optimiser)
            self.scaler.update()
            return
        if self.embedder.device.type == "cuda":
            self.optimiser.found_inf = 1.0 - self._finite  # type: ignore[attr-defined]
        self.optimiser.step()
