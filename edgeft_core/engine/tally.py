"""Counts per class that change step by step, with their entropy, largest and number after every step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeft_core.events import IntArray

_UNIT = float(1 << 40)
"""n ln n is kept as a whole number of 1/_UNIT: sums of whole numbers do not depend on their order, so a resumed run
shows the same digits as one that was never stopped."""

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Counted:
    """What counts per class tell after each of S steps; every figure costs only those who ask for it.

    Attributes:
        counts_SC: how often each class occurs after each step.
        images_S: how many images these are.
        come_SC: how often each class occurs among the images that came in that step alone.
        come_S: how many these are.
    """

    counts_SC: IntArray
    images_S: IntArray
    come_SC: IntArray
    come_S: IntArray
    n_ln_n: IntArray

    @property
    def max_share_S(self) -> Shares:
        """Share of the most frequent class."""
        share_S: Shares = self.counts_SC.max(axis=1) / np.maximum(1, self.images_S)
        return share_S

    @property
    def effective_S(self) -> Shares:
        """exp(entropy) of the shares, ln N - (sum n ln n) / N."""
        return self._effective(self.counts_SC, self.images_S)

    @property
    def unique_S(self) -> IntArray:
        """Classes that occur at all."""
        unique_S: IntArray = np.count_nonzero(self.counts_SC, axis=1)
        return unique_S

    @property
    def effective_new_S(self) -> Shares:
        """:attr:`effective_S` of the images that came in that step alone."""
        return self._effective(self.come_SC, self.come_S)

    def _effective(self, counts_SC: IntArray, images_S: IntArray) -> Shares:
        images_S = np.maximum(1, images_S)
        weight_S = self.n_ln_n.take(counts_SC).sum(axis=1) / _UNIT
        effective_S: Shares = np.exp(np.log(images_S) - weight_S / images_S)
        return effective_S


class ClassTally:
    """How often each of ``n_classes`` occurs among at most ``size`` images that come and go."""

    def __init__(self, n_classes: int, size: int) -> None:
        self._counts_C = np.zeros(n_classes, np.int64)
        self._images = 0
        n = np.arange(1, size + 1, dtype=np.float64)
        self._n_ln_n = np.concatenate([[0], np.rint(n * np.log(n) * _UNIT).astype(np.int64)])

    def clear(self) -> None:
        self._counts_C = np.zeros_like(self._counts_C)
        self._images = 0

    def change(self, come_SB: IntArray, gone_SB: IntArray) -> Counted:
        """Take in the images that come in each step, by class, and forget those that go; -1 stands for none."""
        come_SC, come_S = self._per_step(come_SB), (come_SB >= 0).sum(axis=1)
        images_S = self._images + (come_S - (gone_SB >= 0).sum(axis=1)).cumsum()
        counts_SC = come_SC - self._per_step(gone_SB)
        before_C = self._counts_C
        for counts_C in counts_SC:  # numpy adds up along columns five times slower
            before_C = np.add(before_C, counts_C, out=counts_C)
        self._counts_C, self._images = before_C.copy(), int(images_S[-1])
        return Counted(counts_SC, images_S, come_SC, come_S, self._n_ln_n)

    def _per_step(self, classes_SB: IntArray) -> IntArray:
        steps, n_classes = len(classes_SB), len(self._counts_C)
        places_SB = classes_SB + n_classes * np.arange(steps)[:, None]
        found = np.bincount(places_SB[classes_SB >= 0], minlength=steps * n_classes)
        return found.reshape(steps, n_classes)
