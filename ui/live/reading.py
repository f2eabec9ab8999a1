"""All that the live page shows, read at one moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from edgeft_core import queries
from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.diagnostics.status import Status
from edgeft_core.figures.axis import HorizontalAxis, XKind
from edgeft_core.figures.marks import Marker, MarkerKind
from edgeft_core.figures.text import plain_text
from edgeft_core.settings import Home
from edgeft_core.store.contract import HistogramView, RunRecord, SeriesView
from ui.verdicts import MEANINGS

Counts = npt.NDArray[np.int32]

_COARSE_POINTS: Final = 200
_POINTS: Final = 400  # a chart is about 400 px wide
_COLUMNS: Final = 100

_MARKED: Final[dict[str, MarkerKind]] = {
    "change": "change",
    "stage": "stage",
    "checkpoint": "checkpoint",
    "verdict": "verdict",
}


@dataclass(frozen=True)
class LiveData:
    """One run at one moment.

    Attributes:
        whole: the run from end to end, coarsely: it places steps on the axis.
    view, sparse: series of every batch and those measured now and then, in the range that is looked at.
        window: predicted and label counts per class over the latest predictions, and how many those are.
        latest: last value of every recorded signal.
        class_names: name of each label; empty before the data is read.
        events: what happened to the run, by step.
        problem: a sentence if the recorded metrics are damaged.
    """

    record: RunRecord
    whole: SeriesView
    view: SeriesView
    sparse: SeriesView
    histograms: HistogramView
    window: tuple[Counts, Counts, int]
    latest: Mapping[str, float]
    class_names: Sequence[str]
    events: Sequence[queries.Marker]
    problem: str

    @property
    def start_s(self) -> float:
        """UTC seconds of the first step."""
        return float(self.whole.time_V[0]) if len(self.whole.time_V) else 0.0

    @property
    def n_classes(self) -> int:
        return len(self.class_names) or int(self.record.summary.get("n_classes") or 0)

    @property
    def dim(self) -> int:
        return self.record.config.backbone.embedding_dim

    @property
    def scale(self) -> float:
        return float(self.latest.get("scale", self.record.config.head.scale))

    @property
    def margin_rad(self) -> float:
        return float(self.latest.get("margin_rad", self.record.config.head.margin_rad))

    @property
    def temperature(self) -> float:
        return float(self.latest.get("temperature", self.record.config.head.temperature))

    def x_range(self, axis: HorizontalAxis) -> tuple[float, float] | None:
        """From the first step to the last one; None while there are fewer than two."""
        if len(self.whole.step_V) < 2:
            return None
        places = axis.place([int(self.whole.step_V[0]), int(self.whole.last_step_V[-1])], self.whole)
        return float(places[0]), float(places[1])

    def markers(self, axis: HorizontalAxis) -> tuple[Marker, ...]:
        """Where changes, stages and checkpoints lie on ``axis``; the first stage needs no marker."""
        shown = [one for one in self.events if one.kind in _MARKED and (one.step > 1 or one.kind != "stage")]
        places = axis.place([one.step for one in shown], self.whole).tolist()
        return tuple(_marker(x, one) for x, one in zip(places, shown, strict=True))


def _marker(x: float, event: queries.Marker) -> Marker:
    meaning = MEANINGS.get(cast(Status, event.label)) if event.kind == "verdict" else None
    return Marker(x, _MARKED[event.kind], plain_text(event.label), meaning, event.text)


def read_live(
    home: Home,
    run_id: str,
    kind: XKind,
    x_range: tuple[float, float] | None,
    signals: Collection[str] = tuple(SIGNALS),
) -> LiveData:
    """Read one run, in finer resolution where the user has zoomed in.

    Args:
        x_range: the visible part of the axis ``kind``; None for all of it.
        signals: the series to read.

    Raises:
        UnknownRunError: the run was deleted.
    """
    record = queries.catalog_of(home).run(run_id)
    with queries.metrics_of(home, record.id) as reader:
        whole = reader.view(("loss",), points=_COARSE_POINTS)
        first, last = _visible_steps(whole, kind, x_range)
        every_batch = [name for name in reader.batch_keys() if name in signals]
        now_and_then = [name for name in signals if name not in every_batch]
        return LiveData(
            record=record,
            whole=whole,
            view=reader.view(every_batch, first=first, last=last, points=_POINTS),
            sparse=reader.sparse(now_and_then, first=first, last=last, points=_POINTS),
            histograms=reader.histograms(first=first, last=last, columns=_COLUMNS),
            window=reader.window_counts(record.config.monitor.window_images),
            latest=reader.latest(),
            class_names=queries.class_names(home, record),
            events=queries.markers(home, record.id),
            problem=reader.problem,
        )


def _visible_steps(
    whole: SeriesView, kind: XKind, x_range: tuple[float, float] | None
) -> tuple[int, int | None]:
    """The steps to read: what is visible and as much again on either side, so that panning finds curves there."""
    if x_range is None or len(whole.step_V) == 0:
        return 0, None
    axis = HorizontalAxis(kind, float(whole.time_V[0]))
    low, high = axis.steps(x_range, whole)
    span = max(1, high - low)
    return max(0, low - span), high + span
