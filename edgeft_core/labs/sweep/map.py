"""The heads of a sweep on a plane of two axes; what becomes of the axes that the plane does not show. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeft_core.config_sweep import AxisValue
from edgeft_core.labs.sweep.heads import HeadSettings

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeadMap:
    """A grid's heads: one cell per pair of values.

    Attributes:
        x_key, y_key: dotted keys of the plane; x_X, y_Y: their values in rising order.
        head_YX: the head that stands for each cell, -1 for none.
        value_YX: its measure, NaN where it was not measured.
        behind_YX: heads that share the cell.
    """

    x_key: str
    y_key: str
    x_X: tuple[AxisValue, ...]
    y_Y: tuple[AxisValue, ...]
    head_YX: Integers
    value_YX: Floats
    behind_YX: Integers


def map_of(
    heads: Sequence[HeadSettings],
    value_K: Floats,
    x_key: str,
    y_key: str,
    *,
    fixed: Mapping[str, AxisValue],
    lower_is_better: bool,
) -> HeadMap:
    """The plane of two axes.

    Args:
        fixed: values of other axes; along axes that are not named here the best head stands for its cell.
    """
    x_X, y_Y = axis_values(heads, x_key), axis_values(heads, y_key)
    place_x, place_y = ({value: place for place, value in enumerate(values)} for values in (x_X, y_Y))
    head_YX = np.full((len(y_Y), len(x_X)), -1)
    behind_YX = np.zeros_like(head_YX)
    for head in _from_worst_to_best(value_K, lower_is_better):
        settings = heads[head]
        if all(settings[key] == value for key, value in fixed.items()):
            cell = place_y[settings[y_key]], place_x[settings[x_key]]
            head_YX[cell] = head
            behind_YX[cell] += 1
    value_YX = np.where(head_YX >= 0, value_K[head_YX], np.nan)
    return HeadMap(x_key, y_key, x_X, y_Y, head_YX, value_YX, behind_YX)


def axis_values(heads: Sequence[HeadSettings], key: str) -> tuple[AxisValue, ...]:
    """The different values along one axis: numbers rise, words keep their order, off comes before on."""
    values = list(dict.fromkeys(head[key] for head in heads))
    return tuple(values if any(isinstance(value, str) for value in values) else sorted(values))


def _from_worst_to_best(value_K: Floats, lower_is_better: bool) -> list[int]:
    """Heads in the order in which they may cover each other; those that were not measured come first."""
    merit_K = -value_K if lower_is_better else value_K
    order: list[int] = np.argsort(np.nan_to_num(merit_K, nan=-np.inf), kind="stable").tolist()
    return order


def border_of(bad_YX: npt.NDArray[np.bool_], known_YX: npt.NDArray[np.bool_]) -> list[tuple[float, ...]]:
    """Edges between a bad cell and a good one beside it, as ``(x0, y0, x1, y1)``; cell (0, 0) is around the origin."""
    edges: list[tuple[float, ...]] = []
    rows, columns = bad_YX.shape
    for y in range(rows):
        for x in range(columns):
            if x + 1 < columns and known_YX[y, x] and known_YX[y, x + 1] and bad_YX[y, x] != bad_YX[y, x + 1]:
                edges.append((x + 0.5, y - 0.5, x + 0.5, y + 0.5))
            if y + 1 < rows and known_YX[y, x] and known_YX[y + 1, x] and bad_YX[y, x] != bad_YX[y + 1, x]:
                edges.append((x - 0.5, y + 0.5, x + 0.5, y + 0.5))
    return edges
