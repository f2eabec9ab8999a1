"""A run's verdicts as one bar from its first step to its last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from edgeft_core.figures import theme
from edgeft_core.figures.spec import Annotation, Shape, Spec, plain_template
from edgeft_core.figures.text import plain_text, wrap
from edgeft_core.figures.theme import Meaning

# A name needs about so much of the bar; narrower parts have theirs in the hover.
_ROOM_PER_LETTER: Final = 0.011


@dataclass(frozen=True)
class Span:
    """One part of the bar.

    Attributes:
        start, end: steps.
        meaning: decides the colour.
        text: the hover's sentence.
    """

    name: str
    start: int
    end: int
    meaning: Meaning
    text: str = ""


@dataclass(frozen=True)
class Timeline:
    """Spans that follow each other, each at least a sliver wide."""

    spans: tuple[Span, ...]

    @property
    def x_range(self) -> tuple[float, float]:
        """From the first step to the last."""
        if not self.spans:
            return 0.0, 1.0
        first, last = self.spans[0].start, self.spans[-1].end
        return float(first), float(max(last, first + 1))

    def fits(self, span: Span) -> bool:
        """Whether the span is wide enough for its name."""
        low, high = self.x_range
        return (span.end - span.start) / (high - low) >= _ROOM_PER_LETTER * len(span.name)


def timeline(spans: Sequence[Span]) -> Timeline:
    """In the order of their steps."""
    return Timeline(tuple(sorted(spans, key=lambda one: one.start)))


def draw_timeline(data: Timeline) -> Spec:
    """Coloured parts with their names inside; what was seen is in the hover."""
    low, high = data.x_range
    return {
        "data": [_hover_points(data)] if data.spans else [],
        "layout": {
            "template": plain_template(),
            "hovermode": "closest",
            "hoverdistance": 40,
            "showlegend": False,
            "margin": {"l": 8, "r": 8, "t": 2, "b": 18},
            "xaxis": {"range": [low, high], "showgrid": False, "ticksuffix": "", "tickprefix": "step "},
            "yaxis": {"range": [0, 1], "visible": False, "fixedrange": True},
            "shapes": [shape for one in data.spans for shape in _part(one)],
            "annotations": [_name(one) for one in data.spans if data.fits(one)],
        },
    }


def _part(span: Span) -> list[Shape]:
    """A tinted part with a strong left edge: neighbours stay apart without colour too."""
    strong = theme.colour(span.meaning)
    return [
        {
            "type": "rect",
            "x0": span.start,
            "x1": span.end,
            "y0": 0,
            "y1": 1,
            "line": {"width": 0},
            "fillcolor": theme.translucent(strong, 0.22),
        },
        {
            "type": "line",
            "x0": span.start,
            "x1": span.start,
            "y0": 0,
            "y1": 1,
            "line": {"color": strong, "width": 2},
        },
    ]


def _name(span: Span) -> Annotation:
    return {
        "x": span.start,
        "xanchor": "left",
        "xshift": 4,
        "y": 0.5,
        "yanchor": "middle",
        "text": span.name,
        "showarrow": False,
        "font": {"size": 11, "color": theme.colour(span.meaning)},
    }


def _hover_points(data: Timeline) -> dict[str, Any]:
    """Shapes have no hover: invisible points in their middles have it."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [(one.start + one.end) / 2 for one in data.spans],
        "y": [0.5] * len(data.spans),
        "marker": {"opacity": 0, "size": 18, "color": [theme.colour(one.meaning) for one in data.spans]},
        "customdata": [_sentence(one) for one in data.spans],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _sentence(span: Span) -> str:
    head = f"<b>{span.name}</b>, step {theme.format_count(span.start)} to {theme.format_count(span.end)}"
    return f"{head}<br>{wrap(plain_text(span.text), 60)}" if span.text else head
