"""Where the settings of the original report lie among a sweep's heads. No torch."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import value_of
from edgeft_core.config_sweep import AxisValue
from edgeft_core.labs.sweep.axes import AXES, describe
from edgeft_core.labs.sweep.heads import HeadSettings
from edgeft_core.presets import PRESETS

REPORTED: Final = ("reported-before", "reported-fix")


@dataclass(frozen=True)
class Place:
    """A value on an axis of cells.

    Attributes:
        at: in cells, between two of them where the value is between theirs; None where the axis has no such value.
        beyond: -1 before the first cell, 1 behind the last, else 0; ``at`` is then the nearest end.
    """

    at: float | None
    beyond: int = 0


@dataclass(frozen=True)
class Mark:
    """One of the reported settings.

    Attributes:
        settings: its value of every key that a sweep can go along.
    """

    name: str
    settings: Mapping[str, AxisValue]


def reported_marks() -> list[Mark]:
    """The two settings of the original report, as the presets of that name have them."""
    return [Mark(name, {key: value_of(PRESETS[name](), key) for key in AXES}) for name in REPORTED]


def place_on(key: str, values: Sequence[AxisValue], value: AxisValue) -> Place:
    """Where ``value`` lies among the cells of an axis, by factors where its setting is multiplicative."""
    if value in values:
        return Place(float(list(values).index(value)))
    if isinstance(value, bool | str) or any(isinstance(one, bool | str) for one in values):
        return Place(None)
    numbers = [float(one) for one in values]
    if value < numbers[0]:
        return Place(0.0, -1)
    if value > numbers[-1]:
        return Place(len(numbers) - 1.0, 1)
    above = bisect.bisect(numbers, value)
    low, high = numbers[above - 1], numbers[above]
    if describe(key).log and low > 0:
        share = math.log(value / low) / math.log(high / low)
    else:
        share = (value - low) / (high - low)
    return Place(above - 1 + share)


def nearest_head(heads: Sequence[HeadSettings], mark: Mark) -> int:
    """The head that is least unlike: axes count alike, each by its own range, multiplicative ones by factors."""
    distances = [sum(_distance(heads, key, head[key], mark.settings[key]) for key in head) for head in heads]
    return min(range(len(heads)), key=distances.__getitem__)


def differences(base: RunConfig, axes: Sequence[str], mark: Mark) -> dict[str, AxisValue]:
    """Settings that all heads share and in which the mark differs: key -> the mark's value."""
    return {
        key: value for key, value in mark.settings.items() if key not in axes and value_of(base, key) != value
    }


def _distance(heads: Sequence[HeadSettings], key: str, one: AxisValue, other: AxisValue) -> float:
    if isinstance(one, bool | str) or isinstance(other, bool | str):
        return float(one != other)
    log = describe(key).log
    values = [_scaled(float(head[key]), log) for head in heads]
    width = max(values) - min(values) or 1.0
    return abs(_scaled(float(one), log) - _scaled(float(other), log)) / width


def _scaled(value: float, log: bool) -> float:
    return math.log(max(value, 1e-12)) if log else value
