"""Stops of a slider for a multiplicative quantity: round numbers, evenly spaced on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

_FINE: Final = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_COARSE: Final = (1.0, 2.0, 5.0)
_FINE_DECADES: Final = 4  # beyond this, fine steps would make a slider that no hand can set
_SMALLEST_RATE: Final = 1e-7  # where a lower bound of 0 leaves the scale open


def ladder(
    minimum: float, maximum: float, *, whole: bool = False, extra: Iterable[float] = ()
) -> tuple[float, ...]:
    """Ascending stops from ``minimum`` to ``maximum``, both included.

    Args:
        whole: powers of two instead of decimal steps.
        extra: values that must be stops too (the one in force), where they lie within the bounds.
    """
    low = minimum if minimum > 0 else _SMALLEST_RATE
    inner = _powers_of_two(low, maximum) if whole else _decimal(low, maximum)
    within = {float(value) for value in extra if minimum <= value <= maximum}
    return tuple(sorted({minimum, maximum, *inner, *within}))


def _decimal(low: float, high: float) -> set[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    mantissas = _FINE if last - first <= _FINE_DECADES else _COARSE
    stops = {float(f"{mantissa:g}e{power}") for power in range(first, last + 1) for mantissa in mantissas}
    return {stop for stop in stops if low <= stop <= high}


def _powers_of_two(low: float, high: float) -> set[float]:
    powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
    return {2.0**power for power in powers}
