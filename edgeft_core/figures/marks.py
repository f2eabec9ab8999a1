"""What lies on and around curves: markers of what happened, and the name of the x axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from edgeft_core.figures import theme
from edgeft_core.figures.spec import Annotation, Shape
from edgeft_core.figures.text import plain_text, wrap
from edgeft_core.figures.theme import Meaning

MarkerKind = Literal["change", "stage", "checkpoint", "verdict"]

# Words stand in a strip above the chart. Above this many it would be a list; the journal has the others.
_LABELS: Final = 6
# Width of a letter, and between two words, as shares of a chart 390 px wide (a wider one has more room).
_LETTER: Final = 0.0145
_GAP: Final = 0.02
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
        text: a few letters above the chart.
        meaning: decides the colour where the kind alone does not (verdicts).
        sentence: what the hover of the letters says.
    """

    x: float
    kind: MarkerKind
    text: str
    meaning: Meaning | None = None
    sentence: str = ""

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
    """The words of the latest markers, side by side above the chart; one that has no room there is left out."""
    worded = [one for one in markers if one.kind != "checkpoint"][-_LABELS:]
    if not worded:
        return []
    low, high = x_range or (worded[0].x, worded[-1].x)
    span = (high - low) or 1.0
    labels: list[Annotation] = []
    end = 1.0
    for one in reversed(worded):
        place, width = (one.x - low) / span, _LETTER * len(one.text)
        if place + width <= end:
            labels.append(_label(one, "left"))
            end = place - _GAP
        elif width <= place <= end:
            labels.append(_label(one, "right"))
            end = place - width - _GAP
    return labels[::-1]


def _label(one: Marker, side: Literal["left", "right"]) -> Annotation:
    label: Annotation = {
        "yref": "paper",
        "x": one.x,
        "xanchor": side,
        "xshift": -2 if side == "left" else 2,
        "y": 1,
        "yanchor": "bottom",
        "text": one.text,
        "showarrow": False,
        "borderpad": 0,
        "font": {"size": 10, "color": one.colour},
    }
    return {**label, "hovertext": wrap(plain_text(one.sentence), 60)} if one.sentence else label


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


def on_curves() -> Annotation:
    """How words inside a chart look: just above their line, and readable where curves pass behind them."""
    return {
        "showarrow": False,
        "yshift": 1,
        "bgcolor": theme.translucent(theme.colour(Meaning.BACKGROUND), 0.7),
        "borderpad": 0,
        "font": small_font(),
    }
