"""All charts of the live page as they travel to the browser: the same for every session that looks at them so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeft_core.figures.axis import HorizontalAxis, XKind
from edgeft_core.figures.overlay import overlaid
from edgeft_core.settings import Home
from ui.live.more_panels import GROUPS
from ui.live.panel import Look, Slot
from ui.live.panels import SLOTS
from ui.live.reading import LiveData, read_live
from ui.live_chart.payload import Encoded, encode


@dataclass(frozen=True)
class DrawnChart:
    """One chart with its words; see :class:`~ui.live.panel.Panel`.

    Attributes:
        key: by which the browser knows it again.
    """

    key: str
    figure: Encoded
    note: str
    waits_for: str
    linked: bool


@dataclass(frozen=True)
class Drawing:
    """Charts by their slot's key, without those that do not concern the run.

    Attributes:
        problem: a sentence if the recorded metrics are damaged.
    """

    charts: Mapping[str, DrawnChart]
    problem: str


def drawing(  # noqa: PLR0917 - it is asked for by position, as a question that others ask too
    home: Home,
    run_id: str,
    kind: XKind,
    smoothing: float,
    parent_id: str,
    x_range: tuple[float, float] | None,
    opened: tuple[str, ...],
) -> Drawing:
    """Read and draw the first charts, and the groups that are open.

    Args:
        parent_id: a run whose curves are drawn behind; empty for none.
        x_range: the visible part of the axis ``kind``; None for all of it.

    Raises:
        UnknownRunError: the run was deleted.
    """
    slots = [*SLOTS, *(slot for one in GROUPS if one.key in opened for slot in one.slots)]
    wanted = {name for slot in slots for name in slot.signals}
    data = read_live(home, run_id, kind, x_range, wanted)
    behind = read_live(home, parent_id, kind, None, wanted) if parent_id else None
    look = Look(HorizontalAxis(kind, data.start_s), smoothing)
    charts = {slot.key: _drawn(slot, data, look, behind) for slot in slots if slot.concerns(data)}
    return Drawing(charts, data.problem)


def _drawn(slot: Slot, data: LiveData, look: Look, behind: LiveData | None) -> DrawnChart:
    panel = slot.make(data, look)
    figure = panel.figure
    if behind is not None and panel.linked:
        its_look = Look(HorizontalAxis(look.axis.kind, behind.start_s), look.smoothing)
        figure = overlaid(figure, slot.make(behind, its_look).figure, behind.record.name)
    key = f"live.{data.record.id}.{slot.key}.{look.axis.kind}"
    return DrawnChart(key, encode(figure), panel.note, panel.waits_for, panel.linked)
