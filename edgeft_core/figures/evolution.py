"""Predictions over time: one column per span of steps, one row per class; a collapse is a bright line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgeft_core.figures import theme
from edgeft_core.figures.axis import HorizontalAxis
from edgeft_core.figures.chart import MARGIN
from edgeft_core.figures.marks import Marker, corner, marker_labels, marker_shapes
from edgeft_core.figures.spec import Spec, plain_template
from edgeft_core.figures.text import plain_text, where

ROWS: Final = 40
_TICKS: Final = (0, 1, 5, 20, 50, 100)  # percent


@dataclass(frozen=True)
class Evolution:
    """Class shares per column, the most predicted classes first.

    Attributes:
        x_V: position of each column.
        names_R: class name of each row.
        x_range: all of x, the same for all charts that are shown together; None follows the columns.
        share_RV: percent of the column's predictions on the row's class.
    """

    x_V: npt.NDArray[np.float64]
    names_R: tuple[str, ...]
    share_RV: npt.NDArray[np.float64]
    n_classes: int
    axis: HorizontalAxis
    markers: tuple[Marker, ...] = ()
    x_range: tuple[float, float] | None = None

    @property
    def empty(self) -> bool:
        return len(self.x_V) == 0

    @property
    def reduced(self) -> str:
        if len(self.names_R) >= self.n_classes:
            return ""
        return f"showing {len(self.names_R)} of {theme.format_count(self.n_classes)} classes"


def evolution(
    x_V: npt.NDArray[np.float64],
    counts_VC: npt.NDArray[np.integer[Any]],
    names_C: Sequence[str],
    axis: HorizontalAxis,
    *,
    markers: Sequence[Marker] = (),
    x_range: tuple[float, float] | None = None,
    rows: int = ROWS,
) -> Evolution:
    """Keep the classes with the largest share in any column: a class that once took everything stays in sight.

    Args:
        x_V: position of each column on ``axis``.
        counts_VC: predictions per class in each column.
    """
    share_VC = 100.0 * counts_VC / np.maximum(1, counts_VC.sum(axis=1, keepdims=True))
    peak_C = share_VC.max(axis=0, initial=0.0)
    mean_C = share_VC.mean(axis=0) if len(share_VC) else peak_C
    kept_R = np.lexsort((np.arange(len(peak_C)), -mean_C, -np.round(peak_C)))[:rows]
    order_R = kept_R[np.argsort(-mean_C[kept_R], kind="stable")]
    return Evolution(
        x_V=x_V,
        names_R=tuple(names_C[index] if index < len(names_C) else str(index) for index in order_R.tolist()),
        share_RV=share_VC[:, order_R].T,
        n_classes=counts_VC.shape[1],
        axis=axis,
        markers=tuple(markers),
        x_range=x_range,
    )


def draw_evolution(data: Evolution) -> Spec:
    """The heat map; colour follows the square root of the share, so that 1 % is visible beside 100 %."""
    names_R = [plain_text(name) for name in data.names_R]
    ranks = [rank for rank in sorted({1, *range(10, len(names_R) + 1, 10)}) if rank <= len(names_R)]
    x_axis: dict[str, Any] = {"showgrid": False}
    if data.x_range:
        x_axis["range"] = list(data.x_range)
    return {
        "data": [_heat_map(data)] if not data.empty else [],
        "layout": {
            "template": plain_template(),
            "hovermode": "closest",
            "margin": {**MARGIN, "r": 46, "l": 84},
            "xaxis": x_axis,
            "yaxis": {
                "autorange": "reversed",
                "showgrid": False,
                "tickvals": ranks,
                "ticktext": [_short(names_R[rank - 1]) for rank in ranks],
            },
            "shapes": marker_shapes(data.markers),
            "annotations": [*marker_labels(data.markers, data.x_range), corner(data.axis.title)],
        },
    }


def _heat_map(data: Evolution) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "x": data.x_V.astype(np.float32),
        "y": np.arange(1, len(data.names_R) + 1),
        "z": np.sqrt(data.share_RV).astype(np.float32),
        "zmin": 0,
        "zmax": 10,
        "colorscale": theme.sequential(),
        "customdata": np.round(data.share_RV, 1).astype(np.float32),
        "hovertemplate": "class in row %{y}: <b>%{customdata:.1f} %</b> of the predictions"
        f"<br>around {where(data.axis)}<extra></extra>",
        "colorbar": {
            "thickness": 8,
            "len": 1,
            "x": 1.01,
            "outlinewidth": 0,
            "tickvals": [share**0.5 for share in _TICKS],
            "ticktext": [f"{share} %" for share in _TICKS],
            "tickfont": {"size": 10},
        },
    }


def _short(name: str, letters: int = 11) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "..."
