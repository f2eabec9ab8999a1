"""What lies on and around curves: markers of what happened, and the name of the x axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from edgeft_core.figures import theme
from edgeft_core.figures.spec import Annotation, Shape
from edgeft_core.figures.theme import Meaning

MarkerKind = Literal["change", "stage", "checkpoint", "verdict"]

# Above this many, the labels of markers would cover the curves; the lines stay, the journal has the words.
_LABELS: Final = 5
# Left of this share of the chart a label stands right of its line, else it would lie on the axis.
_LEFT_EDGE: Final = 0.06
# Words closer than this share of the chart would lie on each other.
_GAP: Final = 0.03
_MEANINGS: Final[dict[MarkerKind, Meaning]] = {
    "change": Meaning.CHANGE,
    "stage": Meaning.MUTED,
    "checkpoint": Meaning.MUTED,
    "verdict": Meaning.WATCH,
}


@dataclass(frozen=True)
class Marker:
    """Something that happened at one position.

    Attributes:
        meaning: decides the colour where the kind alone does not (verdicts).
    """

    x: float
    kind: MarkerKind
    text: str
    meaning: Meaning | None = None

    @property
    def colour(self) -> str:
        return theme.colour(self.meaning or _MEANINGS[self.kind])


def marker_shapes(markers: Sequence[Marker]) -> list[Shape]:
    """A line from top to bottom each; checkpoints are ticks at the bottom."""
    return [
        {
            "type": "line",
            "yref": "paper",
            "x0": one.x,
            "x1": one.x,
            "y0": 0,
            "y1": 0.05 if one.kind == "checkpoint" else 1,
            "line": {"color": one.colour, "width": 1, "dash": "solid" if one.kind == "checkpoint" else "dot"},
        }
        for one in markers
    ]


def marker_labels(markers: Sequence[Marker], x_range: tuple[float, float] | None) -> list[Annotation]:
    """The words of the latest markers, along their lines."""
    width = x_range[1] - x_range[0] if x_range else 0.0
    edge = x_range[0] + _LEFT_EDGE * width if x_range else float("-inf")
    labelled = _apart([one for one in markers if one.kind != "checkpoint"], _GAP * width)[-_LABELS:]
    return [
        {
            "yref": "paper",
            "x": one.x,
            "xanchor": "left" if one.x <= edge else "right",
            "y": 1,
            "yanchor": "top",
            "text": one.text,
            "textangle": -90,
            "showarrow": False,
            "font": {"size": 10, "color": one.colour},
        }
        for one in labelled
    ]


def _apart(markers: Sequence[Marker], gap: float) -> list[Marker]:
    """Of markers whose words would lie on each other, the last one (earlier verdicts at the same place are past)."""
    kept: list[Marker] = []
    for one in reversed(markers):
        if not kept or kept[-1].x - one.x > gap:
            kept.append(one)
    return kept[::-1]


def corner(text: str) -> Annotation:
    """The name of the x axis in the corner left of its tick labels, where it costs no height."""
    return {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "xanchor": "right",
        "xshift": -8,
        "y": 0,
        "yanchor": "top",
        "yshift": -3,
        "text": text,
        "showarrow": False,
        "font": small_font(),
    }


def small_font() -> dict[str, Any]:
    """For words inside a chart."""
    return {"size": 10, "color": theme.colour(Meaning.MUTED)}
