"""What a sweep's map can be coloured by, and how each measure is scaled and written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from edgeft_core.figures import theme

Floats = npt.NDArray[np.float64]

_SHARE_TICKS: Final = (0, 1, 5, 20, 50, 100)  # percent
_SMALLEST_SPAN: Final = 1e-3


@dataclass(frozen=True)
class Measure:
    """One measure of a head.

    Attributes:
        title: on buttons and axes; about: one sentence.
        kind: how it is scaled: shares by their square root, so that 1 % is visible beside 100 %; classes by factors.
        sets: which sets of images it is measured on.
    """

    title: str
    about: str
    kind: Literal["share", "classes", "loss"]
    lower_is_better: bool
    sets: tuple[str, ...] = ("validation", "training")

    def words(self, value: float) -> str:
        """The value as people write it."""
        if self.kind == "share":
            return theme.format_percent(value)
        return theme.format_number(value)

    def scaled(self, values: Floats) -> Floats:
        """What colour follows."""
        if self.kind == "share":
            return np.sqrt(100.0 * values)
        if self.kind == "classes":
            return np.log10(np.maximum(values, 1.0))
        return values

    def colour_axis(self, lowest: float, highest: float, n_classes: int) -> dict[str, Any]:
        """``zmin``, ``zmax`` and the colour bar's ticks: the same at every look, so that colours can be compared."""
        if self.kind == "share":
            low, high = 0.0, 10.0
            ticks = {
                "tickvals": [one**0.5 for one in _SHARE_TICKS],
                "ticktext": [f"{one} %" for one in _SHARE_TICKS],
            }
        elif self.kind == "classes":
            low, high = 0.0, math.log10(max(2, n_classes))
            shown = [one for one in (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000) if one <= n_classes]
            ticks = {"tickvals": [math.log10(one) for one in shown], "ticktext": [str(one) for one in shown]}
        else:
            low, high = lowest, max(highest, lowest + _SMALLEST_SPAN)
            ticks = {"nticks": 5}
        return {"zmin": low, "zmax": high, "bar": ticks}


MEASURES: Final[Mapping[str, Measure]] = {
    "max_class_share": Measure(
        "Largest class", "Share of predictions that fall on one class; 100 % is total collapse.", "share", True
    ),
    "effective_classes": Measure(
        "Effective classes", "exp of the entropy of the predicted classes; 1 is total collapse.", "classes", False
    ),
    "top1": Measure("Top-1", "Share of images whose own class wins, margin off.", "share", False),
    "top5": Measure("Top-5", "Share of images whose own class is among five, margin off.", "share", False),
    "loss": Measure(
        "Loss", "Cross-entropy of s / T cos, margin off. Comparable only between heads of one s / T.", "loss", True,
        ("validation",),
    ),
}  # fmt: skip


def column_of(measure: str, images: str) -> str:
    """The measure's name in a sweep's table, for a set of images."""
    return f"val_{measure}" if images == "validation" else measure
