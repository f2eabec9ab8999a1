"""Roll-ups while they grow: the open bucket of every level, and the rule when each closes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

from edgeft_core.store.metrics.buckets import TOP_LEVEL, bucket_of, is_last_of_bucket


class Absorbing(Protocol):
    """What stands for one step or one bucket and can take in a later neighbour."""

    def absorb(self, later: Self) -> Self:
        """Both together; neither operand is changed."""
        ...

    def settled(self) -> Self:
        """The same in its smallest form: what a closed bucket keeps must not grow with the steps inside."""
        ...


B = TypeVar("B", bound=Absorbing)


class Pyramid(Generic[B]):
    """Open buckets, one per level; a closed one is handed on and becomes part of its parent.

    After ``add(step)`` every bucket that ended by ``step`` is closed and no other. So a reader can tell from the
    newest step alone which buckets are stored.
    """

    def __init__(self, lowest_level: int, store: Callable[[int, int, B], None]) -> None:
        """``store(level, bucket, content)`` is called once for each bucket that closes."""
        self._lowest = lowest_level
        self._store = store
        self._open: dict[int, tuple[int, B]] = {}

    def add(self, step: int, content: B) -> None:
        """Take in a step later than all before."""
        self._close_left_behind(step)
        self._take(self._lowest, bucket_of(step, self._lowest), content)
        for level in range(self._lowest, TOP_LEVEL + 1):
            if not is_last_of_bucket(step, level):
                break
            self._close(level)

    def reopen(self, level: int, bucket: int, content: B) -> None:
        """Put back what an open bucket held, after a restart."""
        self._open[level] = (bucket, content)

    def clear(self) -> None:
        self._open.clear()

    def _close_left_behind(self, step: int) -> None:
        """Close buckets that a jump in steps left unfinished."""
        for level in range(self._lowest, TOP_LEVEL + 1):
            if level in self._open:
                if self._open[level][0] == bucket_of(step, level):
                    return  # its parents hold the step as well
                self._close(level)

    def _take(self, level: int, bucket: int, content: B) -> None:
        held = self._open.get(level)
        self._open[level] = (bucket, content if held is None else held[1].absorb(content))

    def _close(self, level: int) -> None:
        bucket, held = self._open.pop(level)
        content = held.settled()
        self._store(level, bucket, content)
        if level < TOP_LEVEL:
            self._take(level + 1, bucket >> 2, content)
