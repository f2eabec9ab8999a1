"""Predicted classes: now, over time, and beside guessing."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeft_core.diagnostics.chance import max_share_chance, top_k_band, top_k_chance
from edgeft_core.queries.opened import catalog_of, metrics_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import HistogramView, RunRecord

Counts = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Chance:
    """What guessing scores over ``n_classes`` classes and ``images`` predictions.

    Attributes:
        top1, top5: expected accuracy.
        top1_band, top5_band: where 99.9 % of all guessers fall.
        max_share: the share of the most predicted class that 99.9 % of all guessers stay below.
    """

    n_classes: int
    images: int
    top1: float
    top5: float
    top1_band: tuple[float, float]
    top5_band: tuple[float, float]
    max_share: float


@dataclass(frozen=True)
class ClassHistogram:
    """Counts per class over the latest ``images`` predictions."""

    predicted_C: Counts
    labels_C: Counts
    images: int
    names: tuple[str, ...]
    problem: str = ""


def chance_of(n_classes: int, images: int) -> Chance | None:
    """None while the number of classes is not known."""
    if n_classes < 1:
        return None
    n = max(1, images)
    return Chance(
        n_classes=n_classes,
        images=images,
        top1=top_k_chance(1, n_classes),
        top5=top_k_chance(5, n_classes),
        top1_band=top_k_band(1, n_classes, n),
        top5_band=top_k_band(5, n_classes, n),
        max_share=max_share_chance(n_classes, n),
    )


def histogram_now(home: Home, run_id: str, *, images: int | None = None) -> ClassHistogram:
    """Over the latest ``images`` predictions; by default as many as the run's own window."""
    run = catalog_of(home).run(run_id)
    with metrics_of(home, run.id) as reader:
        predicted, labels, n = reader.window_counts(images or run.config.monitor.window_images)
        return ClassHistogram(predicted, labels, n, class_names(home, run), reader.problem)


def histogram_over_time(
    home: Home, run_id: str, *, first: int = 0, last: int | None = None, columns: int = 120
) -> HistogramView:
    """Counts per class in at most ``columns`` stretches of steps."""
    run = catalog_of(home).run(run_id)
    with metrics_of(home, run.id) as reader:
        return reader.histograms(first=first, last=last, columns=columns)


def class_names(home: Home, run: RunRecord) -> tuple[str, ...]:
    """The name of each label; empty before the data was read."""
    name = run.summary.get("class_names_file")
    if name:
        folder = home.run_folder(run.id)
        file = (folder / str(name)).resolve()
        if file.is_relative_to(folder.resolve()) and file.is_file():
            return tuple(str(one) for one in json.loads(file.read_text(encoding="utf-8")))
    with metrics_of(home, run.id) as reader:
        return tuple(str(one) for one in reader.facts().get("class_names", ()))
