"""Counts per class that change image by image, with their entropy, largest and number known at any time."""

from __future__ import annotations

import math

_UNIT = 1 << 44
"""n ln n is kept as a whole number of 1/_UNIT: sums of whole numbers do not depend on their order, so a resumed run
shows the same digits as one that was never stopped."""


class ClassTally:
    """How often each of ``n_classes`` occurs among images that come and go.

    Each image costs the same whatever the number of classes; plain integers beat arrays for a batch of 32.
    """

    def __init__(self, n_classes: int) -> None:
        self._count_of = [0] * n_classes
        self._classes_with = [n_classes]  # by count: how many classes occur so often
        self._n_ln_n = [0]  # by count, in units of 1/_UNIT
        self._weight = 0  # sum of n ln n over classes, in the same unit
        self._largest = 0
        self._images = 0

    def add(self, label: int) -> None:
        """One more image of a class."""
        before = self._count_of[label]
        after = before + 1
        if after == len(self._classes_with):
            self._classes_with.append(0)
            self._n_ln_n.append(round(after * math.log(after) * _UNIT))
        self._count_of[label] = after
        self._classes_with[before] -= 1
        self._classes_with[after] += 1
        self._weight += self._n_ln_n[after] - self._n_ln_n[before]
        self._images += 1
        self._largest = max(self._largest, after)

    def remove(self, label: int) -> None:
        """One image less of a class."""
        before = self._count_of[label]
        after = before - 1
        self._count_of[label] = after
        self._classes_with[before] -= 1
        self._classes_with[after] += 1
        self._weight += self._n_ln_n[after] - self._n_ln_n[before]
        self._images -= 1
        if not self._classes_with[self._largest]:
            self._largest = after

    @property
    def max_share(self) -> float:
        """Share of the most frequent class; 0 without images."""
        return self._largest / self._images if self._images else 0.0

    @property
    def effective(self) -> float:
        """exp(entropy) of the shares: ln N - (sum n ln n) / N; 0 without images."""
        n = self._images
        return math.exp(math.log(n) - self._weight / _UNIT / n) if n else 0.0

    @property
    def unique(self) -> int:
        """Classes that occur at all."""
        return len(self._count_of) - self._classes_with[0]
