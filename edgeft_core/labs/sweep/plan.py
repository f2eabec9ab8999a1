"""How much memory a sweep takes, in how many blocks its heads are trained, and when they are measured. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgeft_core.errors import OutOfMemoryError

USABLE_SHARE: Final = 0.6
"""Of the free memory: the rest is for embeddings, for what PyTorch takes beside, and for other programs."""

ARRAYS_PER_HEAD: Final = 3
"""Class weights and the two moments of AdamW stay in memory for every head."""

SCRATCH_ARRAYS: Final = 2
"""Gradient and update: on a GPU for every head, on a CPU for the few that are in the cache."""


@dataclass(frozen=True)
class Plan:
    """Heads in memory at once, and what they take."""

    heads: int
    heads_at_once: int
    bytes_per_head: int
    free_bytes: int

    @property
    def blocks(self) -> int:
        """Groups of heads that are trained one after the other."""
        return -(-self.heads // self.heads_at_once)

    @property
    def bytes_needed(self) -> int:
        return self.heads_at_once * self.bytes_per_head

    def block(self, number: int) -> range:
        """Places of a block's heads among all."""
        return range(number * self.heads_at_once, min(self.heads, (number + 1) * self.heads_at_once))

    def sentence(self) -> str:
        """What is trained at once and what that takes."""
        taken, free = self.bytes_needed / 2**20, self.free_bytes / 2**20
        if self.blocks == 1:
            return f"All {self.heads} heads are trained at once in {taken:.0f} MiB (of {free:.0f} MiB free)."
        return (
            f"{self.heads_at_once} heads fit into memory at once ({taken:.0f} of {free:.0f} MiB free), so "
            f"{self.heads} heads are trained in {self.blocks} blocks, one after the other."
        )


def bytes_of_head(
    n_classes: int, embedding_dim: int, *, batch_size: int, window_images: int, scratch: bool
) -> int:
    """Memory of one head.

    Args:
        scratch: whether gradient and logits of all heads are in memory together (on a GPU).
    """
    arrays = ARRAYS_PER_HEAD + (SCRATCH_ARRAYS if scratch else 0)
    logits = 4 * 4 * batch_size * n_classes if scratch else 0
    return 4 * arrays * n_classes * embedding_dim + logits + 5 * window_images


def plan_blocks(heads: int, bytes_per_head: int, free_bytes: int, *, heads_at_once: int = 0) -> Plan:
    """As few blocks as memory allows, of about the same size.

    Args:
        heads_at_once: at most so many; 0 leaves it to the memory.

    Raises:
        OutOfMemoryError: not even one head fits.
    """
    fits = int(USABLE_SHARE * free_bytes) // bytes_per_head
    if fits < 1:
        raise OutOfMemoryError(
            f"One head takes {bytes_per_head / 2**20:.0f} MiB, and of {free_bytes / 2**20:.0f} MiB of free memory a "
            f"sweep uses {USABLE_SHARE:.0%}: no head fits. Close other programs, or take fewer classes or a smaller "
            "embedding (backbone.embedding_dim)."
        )
    most = min(heads, fits, heads_at_once or heads)
    blocks = -(-heads // most)
    return Plan(heads, -(-heads // blocks), bytes_per_head, free_bytes)


def frame_steps(steps: int, frames: int) -> tuple[int, ...]:
    """Steps after which heads are measured: 0, then about evenly by factors, and the last."""
    spread = np.geomspace(1, steps, max(1, frames - 1)) if steps > 1 else np.array([1.0])
    return (0, *sorted({math.floor(step + 0.5) for step in spread.tolist()} | {steps}))
