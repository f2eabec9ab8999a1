"""The settings that heads of a sweep may differ in, and how an axis is written: ``head.scale=4,8,16``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import Setting, settings_of, value_of, with_values
from edgeft_core.config_sweep import AxisValue, SweepAxis
from edgeft_core.errors import ConfigError

LR: Final = "stages.0.head_lr"

AXES: Final[Mapping[str, str]] = {
    "head.scale": "scale",
    "head.margin_rad": "margin",
    "head.temperature": "temperature",
    LR: "lr",
    "head.label_smoothing": "smoothing",
    "head.centre": "centre",
    "head.kind": "head",
}
"""Dotted key -> a short name that means it too."""

NAMES: Final[Mapping[str, str]] = {
    "head.scale": "scale",
    "head.margin_rad": "margin",
    "head.temperature": "temperature",
    LR: "learning rate",
    "head.label_smoothing": "label smoothing",
    "head.centre": "centring",
    "head.kind": "head",
}
"""Dotted key -> its name in a sentence."""

HOW_TO_WRITE: Final = (
    "write head.scale=4,8,16 for values, or head.temperature=log:0.5..8:5 for five values of a range"
)
_RANGE: Final = re.compile(r"(?:(log|lin):)?([^:]+)\.\.([^:]+?)(?::(\d+))?")


def key_of(name: str) -> str:
    """The dotted key that a short or dotted name means.

    Raises:
        ConfigError: heads of a sweep cannot differ in it; names the nearest setting in which they can.
    """
    short = {alias: key for key, alias in AXES.items()}
    if name in AXES or name in short:
        return short.get(name, name)
    near = difflib.get_close_matches(name, [*AXES, *short], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(AXES)}"
    raise ConfigError([f"{name}: heads of a sweep cannot differ in this; {hint}"])


@cache
def describe(key: str) -> Setting:
    """Title, bounds and unit of an axis' setting."""
    return settings_of(RunConfig())[key]


def parse_axis(text: str) -> SweepAxis:
    """An axis from ``key=a,b,c``, ``key=low..high``, ``key=log:low..high:points`` or ``key=lin:low..high:points``.

    Raises:
        ConfigError: says what is wrong with it.
    """
    name, divider, values = text.partition("=")
    if not divider or not values.strip(" ,"):
        raise ConfigError([f"{text!r}: this axis has no values; {HOW_TO_WRITE}"])
    key = key_of(name.strip())
    if ".." not in values:
        return axis_of(key, values=[_typed(key, word.strip()) for word in values.split(",") if word.strip()])
    match = _RANGE.fullmatch(values.strip())
    try:
        if match is None:
            raise ValueError
        low, high = float(match[2]), float(match[3])
    except ValueError:
        raise ConfigError([f"{text!r}: this is no range; {HOW_TO_WRITE}"]) from None
    log = describe(key).log if match[1] is None else match[1] == "log"
    points = {"points": int(match[4])} if match[4] else {}
    return axis_of(key, low=low, high=high, log=log, **points)


def axis_of(key: str, **parts: Any) -> SweepAxis:
    """A checked axis.

    Raises:
        ConfigError: it has no values, or values that its setting cannot take; lists all of them.
    """
    try:
        axis = SweepAxis(key=key_of(key), **parts)
    except ValidationError as error:
        raise ConfigError([_sentence(key, str(item["msg"])) for item in error.errors()]) from None
    problems = problems_of(axis)
    if problems:
        raise ConfigError(problems)
    return axis


def problems_of(axis: SweepAxis) -> list[str]:
    """A sentence for each value that the axis' setting cannot take."""
    one = describe(axis.key)
    if not axis.values and one.kind != "float":
        return [
            f"{axis.key}: list its values ({', '.join(map(str, one.choices or (True, False)))}), it has no range"
        ]
    problems: list[str] = []
    for value in axis.values or (axis.low, axis.high):
        try:
            with_values(RunConfig(), {axis.key: value})
        except ConfigError as error:
            problems += error.problems
    return problems


def grid_values(axis: SweepAxis) -> tuple[AxisValue, ...]:
    """The values that a grid takes along the axis, each once and in the order given; a range rises."""
    if axis.values:
        return tuple(dict.fromkeys(axis.values))
    assert axis.low is not None and axis.high is not None
    spread = np.geomspace if axis.log else np.linspace
    return tuple(float(f"{value:.4g}") for value in spread(axis.low, axis.high, axis.points))


def _typed(key: str, word: str) -> AxisValue:
    """A word as a value of its setting; one that cannot be read stays a word, and its setting refuses it."""
    try:
        value: AxisValue = value_of(with_values(RunConfig(), {key: word}), key)
    except ConfigError:
        return word
    return value


def _sentence(key: str, message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text if text.startswith(key) else f"{key}: {text[:1].lower()}{text[1:]}"
