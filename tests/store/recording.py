"""A recorder for tests: writes batches through the real writer and keeps what a view should say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from edgeft_core.events import BatchDone
from edgeft_core.store.contract import HistogramView, MetricsWriter, SeriesView

START = datetime(2026, 1, 1, tzinfo=UTC)
CLASSES = 23
NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """One recorded batch."""

    step: int
    scalars: Mapping[str, float]
    predicted: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass
class Recording:
    """Rows in order of steps."""

    rows: list[Row] = field(default_factory=list)

    def add(self, writer: MetricsWriter, row: Row) -> None:
        self.rows = [one for one in self.rows if one.step < row.step] + [row]
        event = BatchDone(
            row.step, 0, row.step / 10, dict(row.scalars), np.array(row.predicted), np.array(row.labels)
        )
        writer.add_batch(event, at=START + timedelta(seconds=row.step), epoch_total=row.step / 10)

    def truncate_after(self, writer: MetricsWriter, step: int) -> None:
        self.rows = [one for one in self.rows if one.step <= step]
        writer.truncate_after(step)

    def between(self, first: int, last: int | None) -> list[Row]:
        return [one for one in self.rows if first <= one.step and (last is None or one.step <= last)]

    def check_view(
        self, view: SeriesView, keys: Sequence[str], first: int, last: int | None, points: int
    ) -> None:
        """Each column is the minimum and maximum of its own steps, and the columns are all steps of the range."""
        rows = self.between(first, last)
        assert view.total == len(rows)
        assert len(view.step_V) <= points
        covered = 0
        for column, (begin, end) in enumerate(
            zip(view.step_V.tolist(), view.last_step_V.tolist(), strict=True)
        ):
            inside = [one for one in rows if begin <= one.step <= end]
            covered += len(inside)
            assert inside[0].step == begin
            assert inside[-1].step == end
            assert view.epoch_V[column] == begin / 10
            assert view.time_V[column] == START.timestamp() + begin
            for key in keys:
                values = np.array([one.scalars.get(key, NAN) for one in inside], np.float32)
                np.testing.assert_array_equal(view.low[key][column], np.fmin.reduce(values))
                np.testing.assert_array_equal(view.high[key][column], np.fmax.reduce(values))
        assert covered == len(rows)
        if rows:
            assert view.last_step_V[-1] == rows[-1].step, "the newest step is always there"

    def check_histograms(self, view: HistogramView, first: int, last: int | None, columns: int) -> None:
        rows = self.between(first, last)
        assert len(view.step_V) <= columns
        ends = view.step_V.tolist()
        assert ends == sorted(ends)
        assert not rows or ends[-1] == rows[-1].step
        begin = -1
        for column, end in enumerate(ends):
            inside = [one for one in rows if begin < one.step <= end]
            np.testing.assert_array_equal(view.counts_VC[column], counted(one.predicted for one in inside))
            np.testing.assert_array_equal(view.labels_VC[column], counted(one.labels for one in inside))
            begin = end

    def check_window(
        self, window: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int], images: int
    ) -> None:
        predicted = [one for row in self.rows for one in row.predicted][-images:]
        labels = [one for row in self.rows for one in row.labels][-images:]
        assert window[2] == len(predicted)
        np.testing.assert_array_equal(window[0], counted([predicted]))
        np.testing.assert_array_equal(window[1], counted([labels]))


def counted(parts: object) -> npt.NDArray[np.int32]:
    """Counts per class, the slow way."""
    counts = np.zeros(CLASSES, np.int32)
    for part in parts:  # type: ignore[attr-defined]
        for one in part:
            counts[one] += 1
    return counts
