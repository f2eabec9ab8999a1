"""What the page reads of a sweep at one look."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from edgeft_core import queries
from edgeft_core.config_sweep import AxisValue
from edgeft_core.figures.sweep_measure import column_of
from edgeft_core.labs.sweep.axes import describe
from edgeft_core.labs.sweep.heads import HeadSettings
from edgeft_core.store import SweepTable
from ui.controls import format_value, label_of

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """A sweep with a table, looked at after some step.

    Attributes:
        look: place of the look among all.
        images: "validation" or "training".
    """

    results: queries.SweepResults
    look: int
    images: str

    @cached_property
    def table(self) -> SweepTable:
        assert self.results.table is not None
        return self.results.table

    @property
    def heads(self) -> list[HeadSettings]:
        return [dict(head) for head in self.table.heads]

    @property
    def step(self) -> int:
        return int(self.table.step_F[self.look])

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per head, measured or not."""
        frame = queries.sweep_frame(self.results, step=self.step)
        return frame.set_index("head").reindex(range(len(self.table.heads)))

    def values(self, measure: str) -> Floats:
        """A measure of every head at this look."""
        return self.frame[column_of(measure, self.images)].to_numpy(float)

    def span(self, measure: str) -> tuple[float, float]:
        """Lowest and highest value over all heads and looks."""
        values = self.table.values.get(column_of(measure, self.images))
        if values is None or not np.isfinite(values).any():
            return 0.0, 1.0
        return float(np.nanmin(values)), float(np.nanmax(values))

    def collapsed(self) -> npt.NDArray[np.bool_]:
        """Which heads collapsed by this look."""
        return queries.collapsed_of(
            self.results, self.frame, on_validation=self.images == "validation", step=self.step
        )

    @property
    def has_validation(self) -> bool:
        return queries.has_validation(self.frame)


def axis_title(key: str) -> str:
    """``"Scale s"``."""
    return label_of(describe(key))


def axis_words(key: str, value: AxisValue) -> str:
    """A value of an axis as people write it."""
    return format_value(describe(key), value)


def head_words(head: HeadSettings) -> str:
    """``"Scale s 8, Temperature T 4"``."""
    return ", ".join(f"{axis_title(key)} {axis_words(key, value)}" for key, value in head.items())
