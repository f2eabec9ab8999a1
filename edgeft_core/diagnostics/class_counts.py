"""Signals of how often each class was predicted. Plain numpy: screens and recorders need no torch for them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.integer]


def max_class_share(counts_C: Counts) -> float:
    """Share of predictions that fall on the most predicted class, max_c n_c / N. Range 1/C to 1; 0 without any.

    Compare with the label share and with :func:`edgeft_core.diagnostics.chance.max_share_chance`.
    """
    total = int(counts_C.sum())
    return float(counts_C.max()) / total if total else 0.0


def effective_classes(counts_C: Counts) -> float:
    """exp(H(n / N)), the number of equally used classes with the same entropy. Range 1 (collapse) to C.

    Reference: Hill 1973, "Diversity and Evenness" (number of order 1).
    """
    total = int(counts_C.sum())
    if not total:
        return 0.0
    used = counts_C[counts_C > 0].astype(np.float64)
    return float(total * np.exp(-(used @ np.log(used)) / total))


def unique_classes(counts_C: Counts) -> int:
    """How many classes were predicted at least once. Range 1 to min(N, C)."""
    return int(np.count_nonzero(counts_C))
