"""Where in the run we are, and in which order images come."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from edgeft_core.events import IntArray


@dataclass
class Position:
    """The next batch: ``stage``, ``epoch`` within it, ``batch`` within that; ``step`` optimiser steps are done."""

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    step: int = 0

    def next_epoch(self) -> None:
        self.epoch, self.batch = self.epoch + 1, 0

    def enter(self, stage: int) -> None:
        """Go to the start of a stage."""
        self.stage, self.epoch, self.batch = stage, 0, 0

    def state(self) -> dict[str, int]:
        return asdict(self)


def epoch_order(n_images: int, seed: int, epoch: int) -> IntArray:
    """A permutation of 0..n-1 that depends on seed and epoch alone (``epoch`` counts over all stages)."""
    return np.random.default_rng([seed, epoch]).permutation(n_images)


def steps_per_epoch(n_images: int, batch_size: int) -> int:
    """Full batches only; images left over come first in another epoch. Few images make one small batch."""
    return max(1, n_images // batch_size)
