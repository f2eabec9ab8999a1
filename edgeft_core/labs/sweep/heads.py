"""Which heads a sweep trains: every combination of the axes' values, or a random draw of them."""

from __future__ import annotations

import itertools
import math
from typing import Any, Final

import numpy as np

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.config_sweep import AxisValue, SweepAxis, SweepConfig
from edgeft_core.errors import ConfigError
from edgeft_core.labs.sweep.axes import NAMES, grid_values, key_of, problems_of

MOST_HEADS: Final = 4096
AXES_LEAST, AXES_MOST = 2, 6

HeadSettings = dict[str, AxisValue]
"""Dotted key -> value of the settings in which heads differ."""


def checked_sweep(sweep: SweepConfig) -> SweepConfig:
    """The sweep, if it can be trained.

    Raises:
        ConfigError: lists everything that is wrong with its axes at once.
    """
    problems = [problem for axis in sweep.axes for problem in _axis_problems(axis)]
    keys = [axis.key for axis in sweep.axes]
    problems += [f"{key}: this axis is there twice; give all its values at once" for key in _twice(keys)]
    if not AXES_LEAST <= len(keys) <= AXES_MOST:
        problems.append(
            f"A sweep has {AXES_LEAST} to {AXES_MOST} axes, this one has {len(keys)}; its map needs two: "
            "add one such as head.scale=4,8,16,32."
        )
    if not problems and (count := head_count(sweep)) > MOST_HEADS:
        problems.append(
            f"{count} heads are more than the {MOST_HEADS} that one sweep trains; give fewer values, or draw some "
            "of them at random (--random 256)."
        )
    if problems:
        raise ConfigError(problems)
    return sweep


def head_count(sweep: SweepConfig) -> int:
    """How many heads the sweep trains."""
    return sweep.draws or math.prod(len(grid_values(axis)) for axis in sweep.axes)


def sweep_words(sweep: SweepConfig) -> str:
    """``"sweep of 40 heads: scale x temperature"``."""
    axes = " x ".join(NAMES.get(axis.key, axis.key) for axis in sweep.axes)
    return f"sweep of {head_count(sweep)} heads: {axes}{', drawn at random' if sweep.draws else ''}"


def heads_of(sweep: SweepConfig, seed: int) -> list[HeadSettings]:
    """The settings of every head: the grid with the last axis running fastest, or a draw that ``seed`` decides."""
    keys = [axis.key for axis in sweep.axes]
    if sweep.draws:
        random = np.random.default_rng([seed, sweep.draws])
        columns = [_drawn(axis, sweep.draws, random) for axis in sweep.axes]
        return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
    return [dict(zip(keys, row, strict=True)) for row in itertools.product(*map(grid_values, sweep.axes))]


def config_of(base: RunConfig, settings: HeadSettings, *, name: str = "") -> RunConfig:
    """The run that trains one of the heads alone: ``base`` without its sweep, with this head's settings."""
    alone = base.model_copy(update={"sweep": None, **({"preset": name} if name else {})})
    return with_values(alone, dict(settings))


def _drawn(axis: SweepAxis, count: int, random: np.random.Generator) -> list[Any]:
    if axis.values:
        values = grid_values(axis)
        return [values[index] for index in random.integers(len(values), size=count).tolist()]
    assert axis.low is not None and axis.high is not None
    if axis.log:
        drawn = np.exp(random.uniform(math.log(axis.low), math.log(axis.high), count))
    else:
        drawn = random.uniform(axis.low, axis.high, count)
    return [min(max(float(f"{value:.4g}"), axis.low), axis.high) for value in drawn.tolist()]


def _axis_problems(axis: SweepAxis) -> list[str]:
    try:
        key_of(axis.key)
    except ConfigError as error:
        return list(error.problems)
    return problems_of(axis)


def _twice(keys: list[str]) -> list[str]:
    return sorted({key for key in keys if keys.count(key) > 1})
