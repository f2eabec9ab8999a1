"""All that the live page shows, read at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgeft_core.figures.axis import HorizontalAxis, XKind
from edgeft_core.figures.chart import Marker, MarkerKind
from edgeft_core.settings import Home
from edgeft_core.store import open_metrics_reader
from edgeft_core.store.contract import (
    Catalog,
    CheckpointRecord,
    CommandRecord,
    HistogramView,
    RunRecord,
    SeriesView,
)

Counts = npt.NDArray[np.int32]

BATCH_SERIES: Final = (
    "logit_std_samples",
    "logit_std_classes",
    "top1_running",
    "top5_running",
    "cos_same_image",
    "cos_different",
    "loss",
    "grad_norm_head",
    "grad_norm_backbone",
)
SPARSE_SERIES: Final = (
    "val_top1",
    "val_top5",
    "val_cos_same_image",
    "val_cos_same",
    "val_cos_different",
    "val_loss",
)

_COARSE_POINTS: Final = 200
_POINTS: Final = 400  # a chart is about 400 px wide
_COLUMNS: Final = 100

_SYMBOLS: Final = {
    "head.scale": "s",
    "head.margin_rad": "m",
    "head.temperature": "T",
    "head.centre": "centre",
    "head.label_smoothing": "smoothing",
    "head_lr": "head lr",
    "backbone_lr": "backbone lr",
}


@dataclass(frozen=True)
class Happening:
    """Something at one step that every chart marks."""

    step: int
    kind: MarkerKind
    text: str


@dataclass(frozen=True)
class LiveData:
    """One run at one moment.

    Attributes:
        whole: the run from end to end, coarsely: it places steps on the axis.
    view, sparse: series of every batch and those measured now and then, in the range that is looked at.
        window: predicted and label counts per class over the latest predictions, and how many those are.
        latest: last value of every recorded signal.
        class_names: name of each label; empty before the data is read.
        first_batch: the first batch as the original debug output showed it; empty before it.
    """

    record: RunRecord
    whole: SeriesView
    view: SeriesView
    sparse: SeriesView
    histograms: HistogramView
    window: tuple[Counts, Counts, int]
    latest: Mapping[str, float]
    class_names: Sequence[str]
    first_batch: Mapping[str, Any]
    commands: Sequence[CommandRecord]
    happenings: Sequence[Happening]

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

    @cached_property
    def _steps(self) -> npt.NDArray[np.int64]:
        return np.array([one.step for one in self.happenings], dtype=np.int64)

    def markers(self, axis: HorizontalAxis) -> tuple[Marker, ...]:
        """Where changes, stages and checkpoints lie on ``axis``."""
        places = axis.place(self._steps, self.whole).tolist()
        return tuple(Marker(x, one.kind, one.text) for x, one in zip(places, self.happenings, strict=True))


def read_live(
    home: Home, catalog: Catalog, run_id: str, kind: XKind, x_range: tuple[float, float] | None
) -> LiveData:
    """Read one run, in finer resolution where the user has zoomed in.

    Args:
        x_range: the visible part of the axis ``kind``; None for all of it.

    Raises:
        UnknownRunError: the run was deleted.
    """
    record = catalog.run(run_id)
    with closing(open_metrics_reader(home.metrics_file(run_id))) as reader:
        whole = reader.view(("loss",), points=_COARSE_POINTS)
        first, last = _visible_steps(whole, kind, x_range)
        commands = catalog.commands(run_id)
        facts = reader.facts()
        return LiveData(
            record=record,
            whole=whole,
            view=reader.view(BATCH_SERIES, first=first, last=last, points=_POINTS),
            sparse=reader.sparse(SPARSE_SERIES, first=first, last=last, points=_POINTS),
            histograms=reader.histograms(first=first, last=last, columns=_COLUMNS),
            window=reader.window_counts(record.config.monitor.window_images),
            latest=reader.latest(),
            class_names=facts.get("class_names", ()),
            first_batch=facts.get("first_batch") or {},
            commands=commands,
            happenings=happenings(commands, catalog.checkpoints(run_id), _stages(catalog, run_id)),
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


def _stages(catalog: Catalog, run_id: str) -> list[tuple[int, str]]:
    return [(one.step, one.text) for one in catalog.history(run_id) if one.kind == "stage_started"]


def happenings(
    commands: Sequence[CommandRecord],
    checkpoints: Sequence[CheckpointRecord],
    stages: Sequence[tuple[int, str]],
) -> list[Happening]:
    """Changes that took effect, checkpoints and stage starts, by step.

    Args:
        stages: (step, name) of each stage start; the first one needs no marker.
    """
    found = [
        Happening(command.step, "change", change_words(command))
        for command in commands
        if command.outcome == "applied" and command.kind == "set" and command.step is not None
    ]
    found += [Happening(one.step, "checkpoint", f"{one.kind} checkpoint") for one in checkpoints]
    found += [Happening(step, "stage", name) for step, name in stages if step > 1]
    return sorted(found, key=lambda one: one.step)


def change_words(command: CommandRecord) -> str:
    """``"T 4 to 1, s 16 to 8"``."""
    words = []
    for key, value in command.changes.items():
        before = command.previous.get(key)
        shown = (
            f"{short_number(before)} \u2192 {short_number(value)}"
            if before is not None
            else short_number(value)
        )
        words.append(f"{symbol(key)} {shown}")
    return ", ".join(words)


def symbol(key: str) -> str:
    """The short name of a dotted key: ``head.temperature`` is T, ``stages.1.head_lr`` is head lr."""
    return (
        _SYMBOLS.get(key) or _SYMBOLS.get(key.rsplit(".", 1)[-1]) or key.rsplit(".", 1)[-1].replace("_", " ")
    )


def short_number(value: Any) -> str:
    """A setting's value in a marker."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.3g}".replace("e-0", "e-") if isinstance(value, int | float) else str(value)
