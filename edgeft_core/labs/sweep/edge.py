"""Where is the edge? Which heads collapsed, which axis drives that, and between which values it begins. No torch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc  # scipy.stats would cost every page a second

from edgeft_core.diagnostics.chance import max_share_chance
from edgeft_core.diagnostics.thresholds import CONCENTRATED_CLASSES, CONCENTRATED_EXCESS
from edgeft_core.labs.sweep.axes import describe
from edgeft_core.labs.sweep.heads import HeadSettings

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

S_EFF: Final = "s / T"
"""Scale and temperature act through their quotient alone: it is an axis of its own."""

LEVELS: Final = 4
"""Groups of equal size into which a randomly drawn axis is cut."""

FEW_VALUES: Final = 12
"""An axis with at most so many different values is grouped by value."""

SIGNIFICANT: Final = 0.01
"""Effects of random draws that accident would show as often as that are not told."""

SEPARATES: Final = 0.8
"""A border is told where a single value leaves at most a fifth of the smaller side on the wrong side."""


@dataclass(frozen=True)
class Effect:
    """How much of the variance between heads an axis (or what a pair adds to its two axes) explains, 0 to 1."""

    axes: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Border:
    """Along one axis, where heads begin to collapse.

    Attributes:
        below: whether the collapsed heads lie below.
        lower, upper: the values on either side that are next to the border.
        collapsed_inside, inside: heads on the collapsing side, and how many of them collapsed.
        collapsed_outside, outside: the same on the other side.
    """

    axis: str
    below: bool
    lower: float
    upper: float
    collapsed_inside: int
    inside: int
    collapsed_outside: int
    outside: int


@dataclass(frozen=True)
class Edge:
    """What is known of the edge of collapse.

    Attributes:
        collapsed_K: which heads collapsed.
        effects: axes and pairs, the strongest first.
        quotient: what s / T explains, where scale and temperature are both axes.
        border: None where no single axis tells the heads apart.
    """

    collapsed_K: Bools
    effects: tuple[Effect, ...]
    quotient: float | None
    border: Border | None


def collapsed(share_K: Floats, effective_K: Floats, n_classes: int, images: int) -> Bools:
    """Which heads collapsed, by the thresholds of the verdict.

    The largest class has a quarter of what is left beyond guessing, or predictions use an eighth of the classes that
    guessing would show.
    """
    chance = max_share_chance(n_classes, images) if n_classes > 1 else 1.0
    excess_K = (share_K - chance) / max(1e-9, 1.0 - chance)
    shown = n_classes * -math.expm1(images * math.log1p(-1.0 / max(2, n_classes)))
    with np.errstate(invalid="ignore"):
        few: Bools = (excess_K >= CONCENTRATED_EXCESS) | (effective_K <= CONCENTRATED_CLASSES * shown)
    return few


def find_edge(heads: Sequence[HeadSettings], share_K: Floats, collapsed_K: Bools) -> Edge:
    """Effects of the axes on the largest share, and the border along the axis that tells most.

    Heads that were not measured (NaN) are left out.
    """
    there = np.flatnonzero(np.isfinite(share_K))
    known = [heads[place] for place in there.tolist()]
    value = share_K[there]
    border = find_border(known, collapsed_K[there])
    return Edge(collapsed_K, effects_of(known, value), quotient_effect(known, value), border)


def effects_of(heads: Sequence[HeadSettings], value_K: Floats) -> tuple[Effect, ...]:
    """Shares of variance that each axis, and beyond that each pair of axes, explains.

    Functional ANOVA on groups of heads. On a full grid groups are the axes' values and the shares are exact: those of
    all axes, pairs and higher orders add up to 1. A drawn axis is cut into :data:`LEVELS` groups of equal size; shares
    are then corrected for what groups explain by accident (epsilon squared, Kelley 1935,
    doi:10.1073/pnas.21.9.554), and those that an F test cannot tell from accident are 0.

    References:
        Hooker 2007, "Generalized functional ANOVA diagnostics", doi:10.1198/106186007X237892.
    """
    if not heads or float(np.ptp(value_K)) <= 1e-9:
        return ()
    levels = {axis: _levels([head[axis] for head in heads]) for axis in heads[0]}
    exact = _is_full_grid(levels)
    shape = {axis: _dummies(level_K) for axis, level_K in levels.items()}
    one_KX = np.ones((len(heads), 1))
    effects = [
        Effect((axis,), _gain(one_KX, shape_KX, value_K, exact=exact)) for axis, shape_KX in shape.items()
    ]
    for one, other in itertools.combinations(levels, 2):
        both_KX = _dummies(levels[one] * (levels[other].max() + 1) + levels[other])
        apart_KX = np.hstack([shape[one], shape[other]])
        effects.append(Effect((one, other), _gain(apart_KX, both_KX, value_K, exact=exact)))
    return tuple(sorted(effects, key=lambda effect: -effect.share))


def quotient_effect(heads: Sequence[HeadSettings], value_K: Floats) -> float | None:
    """How much of the variance s / T explains; None where scale and temperature are not both axes."""
    axes = numeric_axes(heads)
    if S_EFF not in axes or float(np.ptp(value_K)) <= 1e-9:
        return None
    level_K = _levels(axes[S_EFF].tolist(), groups=2 * LEVELS)
    exact = len(np.unique(level_K)) == len(np.unique(axes[S_EFF]))
    return _gain(np.ones((len(heads), 1)), _dummies(level_K), value_K, exact=exact)


def find_border(heads: Sequence[HeadSettings], collapsed_K: Bools) -> Border | None:
    """The value of one axis (or of s / T) that tells collapsed heads from the others best.

    None where all heads are alike, or where no single value does.
    """
    if collapsed_K.all() or not collapsed_K.any():
        return None
    found = [
        border
        for axis, value_K in numeric_axes(heads).items()
        if (border := _split(axis, value_K, collapsed_K)) is not None
    ]
    best = max(found, key=_balance, default=None)
    return best if best is not None and _balance(best) >= SEPARATES else None


def numeric_axes(heads: Sequence[HeadSettings]) -> dict[str, Floats]:
    """Values of every head along the axes that are numbers, s / T first where it varies."""
    keys = list(heads[0]) if heads else []
    axes: dict[str, Floats] = {}
    if {"head.scale", "head.temperature"} <= set(keys):
        quotient = [float(head["head.scale"]) / float(head["head.temperature"]) for head in heads]
        axes[S_EFF] = np.array([float(f"{value:.6g}") for value in quotient])
    for key in keys:
        if describe(key).kind == "float":
            axes[key] = np.array([float(head[key]) for head in heads])
    return axes


def _split(axis: str, value_K: Floats, collapsed_K: Bools) -> Border | None:
    """The best place to cut one axis in two."""
    values = np.unique(value_K)
    borders = [
        _border(axis, below, (float(lower), float(upper)), value_K, collapsed_K)
        for lower, upper in itertools.pairwise(values)
        for below in (True, False)
    ]
    return max(borders, key=_balance, default=None)


def _border(
    axis: str, below: bool, between: tuple[float, float], value_K: Floats, collapsed_K: Bools
) -> Border:
    lower, upper = between
    inside_K = value_K <= lower if below else value_K >= upper
    return Border(
        axis,
        below,
        lower,
        upper,
        int(collapsed_K[inside_K].sum()),
        int(inside_K.sum()),
        int(collapsed_K[~inside_K].sum()),
        int((~inside_K).sum()),
    )


def _balance(border: Border) -> float:
    """Sensitivity + specificity - 1 (Youden 1950): 1 tells all heads apart, 0 none."""
    bad = border.collapsed_inside + border.collapsed_outside
    good = border.inside + border.outside - bad
    return border.collapsed_inside / bad - (border.inside - border.collapsed_inside) / good


def _levels(values: Sequence[Any], *, groups: int = LEVELS) -> npt.NDArray[np.int64]:
    """The group of each head along one axis."""
    different = sorted(set(values), key=str)
    if len(different) <= FEW_VALUES or not isinstance(values[0], float):
        place = {value: number for number, value in enumerate(different)}
        return np.array([place[value] for value in values])
    rank_K = np.argsort(np.argsort(np.array(values), kind="stable"), kind="stable")
    return (rank_K * groups) // len(values)


def _is_full_grid(levels: dict[str, npt.NDArray[np.int64]]) -> bool:
    """Whether every combination of groups holds exactly one head."""
    combined = np.stack(list(levels.values()), axis=1)
    cells = math.prod(len(np.unique(column)) for column in combined.T)
    return len(combined) == cells == len(np.unique(combined, axis=0))


def _dummies(level_K: npt.NDArray[np.int64]) -> Floats:
    """One column per group: 1 for its heads."""
    groups, place_K = np.unique(level_K, return_inverse=True)
    columns: Floats = np.eye(len(groups))[place_K]
    return columns


def _gain(small_KX: Floats, large_KX: Floats, value_K: Floats, *, exact: bool) -> float:
    """Share of the variance that the larger of two nested models explains beyond the smaller.

    Unless the groups are a whole grid: corrected for accident, and 0 where the F test finds nothing.
    """
    total = float(((value_K - value_K.mean()) ** 2).sum())
    left_small, df_small = _left(small_KX, value_K)
    left_large, df_large = _left(large_KX, value_K)
    gained = max(0.0, left_small - left_large)
    if exact:
        return gained / total
    steps, free = df_large - df_small, len(value_K) - df_large
    if steps <= 0 or free <= 0:
        return 0.0
    accident = left_large / free
    if accident > 0 and fdtrc(steps, free, gained / steps / accident) > SIGNIFICANT:
        return 0.0
    return max(0.0, (gained - steps * accident) / total)


def _left(model_KX: Floats, value_K: Floats) -> tuple[float, int]:
    """What a linear model leaves unexplained, and its degrees of freedom."""
    weights, _, rank, _ = np.linalg.lstsq(model_KX, value_K, rcond=None)
    return float(((value_K - model_KX @ weights) ** 2).sum()), int(rank)
