"""Which classes are predicted now: sorted shares beside the labels' shares and chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgeft_core.figures import theme
from edgeft_core.figures.chart import MARGIN
from edgeft_core.figures.marks import corner, on_curves
from edgeft_core.figures.spec import Annotation, Shape, Spec, plain_template
from edgeft_core.figures.text import plain_text
from edgeft_core.figures.theme import Meaning

Counts = npt.NDArray[np.integer[Any]]

BARS: Final = 24


@dataclass(frozen=True)
class ClassShares:
    """The most predicted classes, largest first.

    Attributes:
        names_K: class names.
        share_K, label_share_K: in percent of the window's predictions and labels.
        predicted: classes that are predicted at all.
        chance: largest share (percent) that guessing reaches in 99.9 % of windows.
    """

    names_K: tuple[str, ...]
    share_K: npt.NDArray[np.float64]
    label_share_K: npt.NDArray[np.float64]
    predicted: int
    n_classes: int
    images: int
    chance: float

    @property
    def empty(self) -> bool:
        return self.images == 0

    @property
    def largest(self) -> float:
        """Share of the most predicted class, in [0, 1]."""
        return float(self.share_K[0]) / 100 if len(self.share_K) else 0.0

    @property
    def rest(self) -> float:
        """Percent of the predictions on classes that have no bar."""
        return max(0.0, 100.0 - float(self.share_K.sum())) if self.images else 0.0

    @property
    def reduced(self) -> str:
        """``"24 of 518 classes; the others get 3.9 %"`` where not all have a bar, else nothing."""
        if self.empty or self.n_classes <= len(self.names_K):
            return ""
        others = theme.format_percent(self.rest / 100)
        return f"{len(self.names_K)} of {theme.format_count(self.n_classes)} classes; the others get {others}"


def class_shares(
    counts_C: Counts, labels_C: Counts, names_C: Sequence[str], *, chance: float, bars: int = BARS
) -> ClassShares:
    """Sort classes by how often they are predicted; ties by label, so that bars keep their places.

    Args:
        chance: ``diagnostics.chance.max_share_chance`` for this window, in [0, 1].
    """
    images, labelled = int(counts_C.sum()), int(labels_C.sum())
    order_K = np.argsort(-counts_C, kind="stable")[:bars]
    return ClassShares(
        names_K=tuple(names_C[index] if index < len(names_C) else str(index) for index in order_K.tolist()),
        share_K=100.0 * counts_C[order_K] / max(1, images),
        label_share_K=100.0 * labels_C[order_K] / max(1, labelled),
        predicted=int(np.count_nonzero(counts_C)),
        n_classes=len(counts_C),
        images=images,
        chance=100.0 * chance,
    )


def draw_shares(shares: ClassShares) -> Spec:
    """Bars for predictions, ticks for labels, a dashed line for chance."""
    top = 1.12 * max(float(shares.share_K.max(initial=0.0)), shares.chance, 0.1)
    return {
        "data": [] if shares.empty else [_bars(shares), _labels(shares)],
        "layout": {
            "template": plain_template(),
            "hovermode": "closest",
            "bargap": 0.15,
            "margin": MARGIN,
            "xaxis": {"range": [0.4, max(len(shares.share_K), 8) + 0.6]},
            "yaxis": {"ticksuffix": " %", "range": [0, top]},
            "shapes": [_chance_line(shares)],
            "annotations": [_chance_words(shares), corner("rank")],
        },
    }


def _bars(shares: ClassShares) -> dict[str, Any]:
    rows = zip(shares.names_K, shares.label_share_K.tolist(), strict=True)
    return {
        "type": "bar",
        "x": np.arange(1, len(shares.share_K) + 1),
        "y": shares.share_K,
        "name": "predicted",
        "marker": {"color": theme.colour(Meaning.TRAINING), "line": {"width": 0}},
        "customdata": [[plain_text(name), share] for name, share in rows],
        "hovertemplate": "<b>%{customdata[0]}</b> gets %{y:.1f} % of the predictions"
        "<br>and %{customdata[1]:.1f} % of the labels<extra></extra>",
    }


def _labels(shares: ClassShares) -> dict[str, Any]:
    colour = theme.colour(Meaning.VALIDATION)
    return {
        "type": "scatter",
        "x": np.arange(1, len(shares.share_K) + 1),
        "y": shares.label_share_K,
        "name": "true labels",
        "mode": "markers",
        "marker": {"symbol": "line-ew", "size": 9, "line": {"width": 2, "color": colour}, "color": colour},
        "hoverinfo": "skip",
    }


def _chance_line(shares: ClassShares) -> Shape:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": shares.chance,
        "y1": shares.chance,
        "line": theme.line(Meaning.CHANCE, width=1.0),
    }


def _chance_words(shares: ClassShares) -> Annotation:
    return {
        "xref": "paper",
        "x": 1,
        "xanchor": "right",
        "y": shares.chance,
        "yanchor": "bottom",
        "text": f"guessing stays below {theme.format_percent(shares.chance / 100)}",
        **on_curves(),
    }
