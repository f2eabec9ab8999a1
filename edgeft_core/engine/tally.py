"""Counts per class that change step by step, with their entropy, largest and number after every step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeft_core.events import IntArray

_UNIT = float(1 << 40)
"""n ln n is kept as a whole number of 1/_UNIT: sums of whole numbers do not depend on their order, so a resumed run
shows the same digits as one that was never stopped."""

Shares = npt.NDArray[np.float64]


class Counted(NamedTuple):
    """What counts per class tell after each of S steps.

    Attributes:
        max_share_S: share of the most frequent class.
        effective_S: exp(entropy) of the shares, ln N - (sum n ln n) / N.
        unique_S: classes that occur at all.
    """

    max_share_S: Shares
    effective_S: Shares
    unique_S: IntArray


class ClassTally:
    """How often each of ``n_classes`` occurs among at most ``size`` images that come and go."""

    def __init__(self, n_classes: int, size: int) -> None:
        self._counts_C = np.zeros(n_classes, np.int64)
        n = np.arange(1, size + 1, dtype=np.float64)
        self._n_ln_n = np.concatenate([[0], np.rint(n * np.log(n) * _UNIT).astype(np.int64)])

    def clear(self) -> None:
        self._counts_C = np.zeros_like(self._counts_C)

    def change(self, come_SB: IntArray, gone_SB: IntArray) -> Counted:
        """Take in the images that come in each step, by class, and forget those that go; -1 stands for none."""
        changes_SC = self._per_step(come_SB) - self._per_step(gone_SB)
        counts_SC = self._counts_C + changes_SC.cumsum(axis=0)
        self._counts_C = counts_SC[-1]
        return self._told(counts_SC)

    def _per_step(self, classes_SB: IntArray) -> IntArray:
        steps, n_classes = len(classes_SB), len(self._counts_C)
        places_SB = classes_SB + n_classes * np.arange(steps)[:, None]
        found = np.bincount(places_SB[classes_SB >= 0], minlength=steps * n_classes)
        return found.reshape(steps, n_classes)

    def _told(self, counts_SC: IntArray) -> Counted:
        images_S = np.maximum(1, counts_SC.sum(axis=1))
        weight_S = self._n_ln_n[counts_SC].sum(axis=1) / _UNIT
        return Counted(
            max_share_S=counts_SC.max(axis=1) / images_S,
            effective_S=np.exp(np.log(images_S) - weight_S / images_S),
            unique_S=np.count_nonzero(counts_SC, axis=1),
        )
