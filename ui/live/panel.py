"""What a chart of the live page consists of: its words, the signals behind it, and how lines are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.figures.axis import HorizontalAxis
from edgeft_core.figures.chart import LineChart, Reference, draw
from edgeft_core.figures.curves import Curve, Style, curve
from edgeft_core.figures.spec import Spec
from edgeft_core.figures.theme import Meaning
from edgeft_core.jobs.states import ACTIVE, ENDED
from ui.live.reading import LiveData


@dataclass(frozen=True)
class Look:
    """How the user wants all charts."""

    axis: HorizontalAxis
    smoothing: float = 0.0


@dataclass(frozen=True)
class Panel:
    """One chart with its words.

    Attributes:
        note: what was left out, or what the chart says in words; below the title.
        waits_for: shown in place of the chart while there is nothing to draw.
        linked: shares its x axis with the other charts.
    """

    figure: Spec
    note: str
    waits_for: str
    linked: bool = True


@dataclass(frozen=True)
class Slot:
    """A place in the grid.

    Attributes:
        signals: the series that it reads and its ? explains.
        optional: left out where a run records none of them (mixed precision on a CPU).
    """

    key: str
    title: str
    signals: tuple[str, ...]
    make: Callable[[LiveData, Look], Panel]
    optional: bool = False

    def concerns(self, data: LiveData) -> bool:
        """Whether the run has anything to show here; an optional chart appears only then."""
        return not self.optional or any(name in data.latest for name in self.signals)


def waits_for(data: LiveData) -> str:
    """What an empty chart says: what is still to come, or that nothing will."""
    if data.record.state in ENDED:
        return "This run has recorded nothing of this."
    return "Waits for the first step." if data.record.state in ACTIVE else "Waits for the run's turn."


def line(
    data: LiveData,
    look: Look,
    name: str,
    words: str,
    meaning: Meaning | None = None,
    *,
    index: int = 0,
    dash: str = "solid",
) -> Curve:
    """A curve of every batch, in the colour of its meaning or of number ``index``."""
    style = Style(words, SIGNALS[name].meaning, meaning, index, dash)
    return curve(data.view, name, style, look.axis, smoothing=look.smoothing, factor=factor_of(name))


def now_and_then(
    data: LiveData,
    look: Look,
    name: str,
    words: str,
    meaning: Meaning | None = None,
    *,
    index: int = 0,
    dash: str = "solid",
) -> Curve:
    """A curve of points; without ``words`` it shares the legend of the curve of the same colour."""
    signal = SIGNALS[name]
    style = Style(
        words or signal.title, signal.meaning, meaning, index, dash, sparse=True, in_legend=bool(words)
    )
    return curve(data.sparse, name, style, look.axis, factor=factor_of(name))


def factor_of(name: str) -> float:
    """Shares are drawn in percent."""
    return 100.0 if SIGNALS[name].unit == "share" else 1.0


def line_panel(
    data: LiveData, look: Look, lines: tuple[Curve, ...], references: tuple[Reference, ...], **options: Any
) -> Panel:
    """A line chart of the live page: its options are those of :class:`LineChart`."""
    chart = LineChart(
        lines,
        look.axis,
        references=references,
        markers=data.markers(look.axis),
        x_range=data.x_range(look.axis),
        **options,
    )
    return Panel(draw(chart), chart.reduced, waits_for(data))
