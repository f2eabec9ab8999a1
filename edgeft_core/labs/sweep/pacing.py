"""How many steps heads take at a stretch, and when it is time to tell about it and to save."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

STRETCH_S: Final = 0.2
"""Between two stretches requests are heard, so none waits much longer; a longer stretch makes better use of caches."""

STEPS_MOST: Final = 64
TELL_EVERY_S: Final = 0.25
SAVE_EVERY_S: Final = 30.0


class Pacing:
    """The clock of a sweep.

    Attributes:
        steps: steps to take at the next stretch.
        steps_per_s: measured over the latest stretches.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.steps = 1
        self.steps_per_s = 0.0
        self._told = self._saved = time.monotonic()

    @contextmanager
    def timed(self, steps: int) -> Iterator[None]:
        """Measure a stretch of so many steps."""
        begun = time.perf_counter()
        yield
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        rate = steps / max(1e-6, time.perf_counter() - begun)
        self.steps_per_s = 0.8 * self.steps_per_s + 0.2 * rate if self.steps_per_s else rate
        self.steps = max(1, min(int(STRETCH_S * self.steps_per_s), STEPS_MOST, 2 * self.steps))

    def tell_now(self) -> bool:
        """Whether nothing was told for a while; then the clock starts anew."""
        due = time.monotonic() - self._told >= TELL_EVERY_S
        if due:
            self._told = time.monotonic()
        return due

    def save_now(self) -> bool:
        """Whether nothing was saved for a while; then the clock starts anew."""
        due = time.monotonic() - self._saved >= SAVE_EVERY_S
        if due:
            self._saved = time.monotonic()
        return due
