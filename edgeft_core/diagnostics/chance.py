"""What guessing would score: the reference that every accuracy is shown beside."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import bdtr, bdtrc  # scipy.stats would cost every page a second

from edgeft_core.diagnostics import thresholds as limit


def top_k_chance(k: int, n_classes: int) -> float:
    """Expected Top-k of guessing, ``k / C`` (at most 1)."""
    return min(1.0, k / n_classes)


@lru_cache(maxsize=4096)
def top_k_band(k: int, n_classes: int, n_images: int, level: float = 0.999) -> tuple[float, float]:
    """The central band in which guessing's Top-k over ``n_images`` falls with probability ``level``."""
    p = top_k_chance(k, n_classes)
    tail = (1.0 - level) / 2.0
    reached = bdtr(np.arange(n_images + 1), n_images, p)  # P(X <= k); ends with 1
    low, high = (int(np.argmax(reached >= quantile)) for quantile in (tail, 1.0 - tail))
    return low / n_images, high / n_images


@lru_cache(maxsize=4096)
def max_share_chance(n_classes: int, n_images: int, level: float = 0.999) -> float:
    """Quantile ``level`` of the largest class share among ``n_images`` uniform guesses over ``n_classes``.

    Bonferroni over classes: the smallest count c with ``C * P(X > c) <= 1 - level``. For C = 518 it gives
    .0625 (N = 64), .0234 (256), .0106 (1036); 40 000 simulated draws agree.
    """
    tail = (1.0 - level) / n_classes
    beyond = bdtrc(np.arange(n_images + 1), n_images, 1.0 / n_classes)  # P(X > k); ends with 0
    return int(np.argmax(beyond <= tail)) / n_images


def has_lost_half(before: float, after: float, n_before: int, n_after: int) -> bool:
    """Whether a Top-1 over ``n_after`` images is below half of one over ``n_before``, and not by chance."""
    error = math.sqrt(before * (1.0 - before) / n_before + after * (1.0 - after) / n_after)
    return after < limit.LOST_HALF * before and before - after > limit.SIGNIFICANT * error
