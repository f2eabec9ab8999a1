"""The horizontal axis that all live charts share: step, epoch or time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

XKind = Literal["step", "epoch", "time"]
Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]

_SECONDS_PER_MINUTE: Final = 60.0


class View(Protocol):
    """Series over a step range; the store's ``SeriesView`` is one (figures do not import the store)."""

    @property
    def step_V(self) -> npt.NDArray[np.int64]: ...
    @property
    def epoch_V(self) -> Float64: ...
    @property
    def time_V(self) -> Float64: ...
    @property
    def low(self) -> Mapping[str, Float32]: ...
    @property
    def high(self) -> Mapping[str, Float32]: ...
    @property
    def total(self) -> int: ...


@dataclass(frozen=True)
class HorizontalAxis:
    """How steps become positions.

    Attributes:
        start_s: UTC seconds of the run's first point; the origin of the time axis.
    """

    kind: XKind = "step"
    start_s: float = 0.0

    @property
    def title(self) -> str:
        """Unit of the positions; minutes count from the first step."""
        return {"step": "step", "epoch": "epoch", "time": "min"}[self.kind]

    def positions(self, view: View) -> Float64:
        """Where each row of ``view`` lies, ascending."""
        if self.kind == "step":
            return view.step_V.astype(np.float64)
        if self.kind == "epoch":
            return np.asarray(view.epoch_V, dtype=np.float64)
        return (np.asarray(view.time_V, dtype=np.float64) - self.start_s) / _SECONDS_PER_MINUTE

    def place(self, steps: Sequence[int] | npt.NDArray[np.int64], view: View) -> Float64:
        """Where ``steps`` lie, interpolated between the rows of ``view``; beyond its ends, at its ends."""
        wanted = np.asarray(steps, dtype=np.float64)
        if self.kind == "step":
            return wanted
        if len(view.step_V) == 0:
            return np.zeros_like(wanted)
        return np.interp(wanted, view.step_V.astype(np.float64), self.positions(view))

    def steps(self, x_range: tuple[float, float], view: View) -> tuple[int, int]:
        """The steps between two positions: the inverse of :meth:`place`, for a zoomed chart."""
        low, high = sorted(x_range)
        if self.kind != "step" and len(view.step_V):
            ends = np.interp([low, high], self.positions(view), view.step_V.astype(np.float64))
            low, high = float(ends[0]), float(ends[1])
        return max(0, int(np.floor(low))), max(0, int(np.ceil(high)))


STEPS: Final = HorizontalAxis()
