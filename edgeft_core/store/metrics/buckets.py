"""Arithmetic of roll-ups: a bucket of level L spans 4**L steps, ``[b * 4**L, (b + 1) * 4**L)``.

A view cuts its range into columns of 2**k steps, aligned to multiples of 2**k. So columns stay where they are while
a run grows (nothing jumps on the screen until their width doubles), each whole column is one or two buckets of level
k // 2, and only the two ends need finer ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LEVEL_SHIFT = 48  # addresses keep the level above the bucket's number
TOP_LEVEL = 20


@dataclass(frozen=True)
class Run:
    """Neighbouring buckets of one level; level 0 means the rows themselves."""

    level: int
    begin: int
    end: int

    @property
    def addresses(self) -> tuple[int, int]:
        """First and last address, both included."""
        return address(self.level, self.begin), address(self.level, self.end) - 1


def address(level: int, bucket: int) -> int:
    """Where a bucket is stored; a level's buckets are neighbours, in order of steps."""
    return (level << LEVEL_SHIFT) + bucket


def bucket_of(step: int, level: int) -> int:
    """The bucket that a step falls into."""
    return step >> (2 * level)


def is_last_of_bucket(step: int, level: int) -> bool:
    """Whether a step completes its bucket."""
    return (step + 1) & ((1 << (2 * level)) - 1) == 0


def column_shift(first: int, last: int, columns: int) -> int:
    """Smallest k for which columns of 2**k steps are at most ``columns``."""
    k = 0
    while (last >> k) - (first >> k) + 1 > max(1, columns):
        k += 1
    return k


def level_for(shift: int, lowest_level: int) -> int:
    """The coarsest level whose buckets fit into columns of 2**shift steps; 0 where only rows do."""
    level = min(shift // 2, TOP_LEVEL)
    return level if level >= lowest_level else 0


def cover(first: int, last: int, level: int, lowest_level: int) -> Iterator[Run]:
    """The fewest buckets, none coarser than ``level``, that hold exactly the steps ``first .. last``, in order."""
    position, end = first, last + 1
    while position < end:
        size = _largest(position, end, level, lowest_level)
        span = 1 << (2 * size)
        coarser = next((c for c in range(size + 1, level + 1) if c >= lowest_level), None)
        stop = position + (end - position) // span * span
        if coarser is not None:
            wide = 1 << (2 * coarser)
            aligned = -(-position // wide) * wide
            if aligned > position:
                stop = min(stop, aligned)
        yield Run(size, position // span, stop // span)
        position = stop


def _largest(position: int, end: int, level: int, lowest_level: int) -> int:
    """The coarsest level that has a bucket starting at ``position`` and ending by ``end``."""
    for candidate in range(level, lowest_level - 1, -1):
        span = 1 << (2 * candidate)
        if position % span == 0 and position + span <= end:
            return candidate
    return 0
