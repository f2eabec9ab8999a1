"""What rows and buckets hold: extremes of scalars, and sums of class counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeft_core.store.metrics import counts
from edgeft_core.store.metrics.vectors import FLOAT, Vector, lengthened

LOWEST_SERIES_LEVEL = 1  # 4 steps
LOWEST_PREDICTION_LEVEL = (
    3  # 64 steps: sparse counts of fewer would take more room than the batches themselves
)


@dataclass(frozen=True)
class Extremes:
    """Smallest and largest value of each key over some steps; NaN where a key has none."""

    first_step: int
    last_step: int
    at: float
    epoch: float
    n_rows: int
    low: Vector
    high: Vector

    def absorb(self, later: Extremes) -> Extremes:
        width = max(len(self.low), len(later.low))
        return replace(
            self,
            last_step=later.last_step,
            n_rows=self.n_rows + later.n_rows,
            low=np.fmin(lengthened(self.low, width), lengthened(later.low, width)),
            high=np.fmax(lengthened(self.high, width), lengthened(later.high, width)),
        )

    def settled(self) -> Extremes:
        return self


@dataclass(frozen=True)
class SeriesCodec:
    """Rows and buckets of one track of series."""

    track: str
    lowest_level: int = LOWEST_SERIES_LEVEL

    @property
    def rows(self) -> str:
        return f"{self.track}_rows"

    @property
    def buckets(self) -> str:
        return f"{self.track}_buckets"

    def of_row(self, row: tuple[Any, ...]) -> Extremes:
        step, at, _, epoch, blob = row
        vector = np.frombuffer(blob, FLOAT)
        return Extremes(step, step, at, epoch, 1, vector, vector)

    def of_bucket(self, row: tuple[Any, ...]) -> Extremes:
        _, first_step, last_step, at, epoch, n_rows, low, high = row
        return Extremes(
            first_step, last_step, at, epoch, n_rows, np.frombuffer(low, FLOAT), np.frombuffer(high, FLOAT)
        )

    def bucket_row(self, address: int, content: Extremes) -> tuple[Any, ...]:
        low, high = content.low.tobytes(), content.high.tobytes()
        return (
            address,
            content.first_step,
            content.last_step,
            content.at,
            content.epoch,
            content.n_rows,
            low,
            high,
        )


@dataclass(frozen=True)
class ClassCounts:
    """Predictions and labels per class over some steps, added up only when their bucket closes."""

    last_step: int
    predicted: tuple[counts.Pairs, ...]
    labels: tuple[counts.Pairs, ...]

    def absorb(self, later: ClassCounts) -> ClassCounts:
        return ClassCounts(later.last_step, self.predicted + later.predicted, self.labels + later.labels)

    def settled(self) -> ClassCounts:
        return ClassCounts(self.last_step, (counts.add_up(self.predicted),), (counts.add_up(self.labels),))


@dataclass(frozen=True)
class PredictionCodec:
    """Rows and buckets of predicted classes beside the labels."""

    n_classes: int
    rows: str = "prediction_rows"
    buckets: str = "prediction_buckets"
    lowest_level: int = LOWEST_PREDICTION_LEVEL

    def of_row(self, row: tuple[Any, ...]) -> ClassCounts:
        step, predicted, labels = row
        return ClassCounts(
            step,
            (counts.each_once(counts.unpack_ids(predicted, self.n_classes)),),
            (counts.each_once(counts.unpack_ids(labels, self.n_classes)),),
        )

    def of_bucket(self, row: tuple[Any, ...]) -> ClassCounts:
        _, last_step, predicted, labels = row
        return ClassCounts(
            last_step,
            (counts.unpack_pairs(predicted, self.n_classes),),
            (counts.unpack_pairs(labels, self.n_classes),),
        )

    def bucket_row(self, address: int, content: ClassCounts) -> tuple[Any, ...]:
        (predicted,), (labels,) = content.settled().predicted, content.settled().labels
        return (
            address,
            content.last_step,
            counts.pack_pairs(predicted, self.n_classes),
            counts.pack_pairs(labels, self.n_classes),
        )
