"""How much a full view of a long run sends."""

from __future__ import annotations

import pytest

from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.figures.axis import HorizontalAxis
from edgeft_core.figures.spec import checked
from edgeft_core.settings import Home
from tests.recorded import recorded_run
from ui.live.more_panels import GROUPS
from ui.live.panel import Look
from ui.live.panels import SLOTS
from ui.live.reading import read_live
from ui.live_chart.payload import encode

LIMIT_BYTES = 300_000
MOST_POINTS = 1500


@pytest.mark.slow
def test_a_full_view_of_a_long_run_stays_small(home: Home) -> None:
    run = recorded_run(home, steps=6000)
    data = read_live(home, run.id, "step", None)
    figures = [slot.make(data, Look(HorizontalAxis(), smoothing=0.7)).figure for slot in SLOTS]
    assert sum(encode(figure).cost for figure in figures) < LIMIT_BYTES
    lines = [trace for figure in figures for trace in figure["data"] if trace["type"] == "scatter"]
    assert max(len(trace["x"]) for trace in lines) <= MOST_POINTS
    assert data.view.total == 6000
    assert "of 6 000 steps" in SLOTS[2].make(data, Look(HorizontalAxis())).note


def test_every_chart_of_a_full_run_has_what_it_needs(home: Home) -> None:
    run = recorded_run(home)
    for group in GROUPS:
        signals = {name for slot in group.slots for name in slot.signals}
        assert signals <= set(SIGNALS)
        data = read_live(home, run.id, "step", None, signals)
        for slot in group.slots:
            checked(slot.make(data, Look(HorizontalAxis())).figure)


@pytest.mark.slow
def test_zooming_in_reads_finer(home: Home) -> None:
    run = recorded_run(home, steps=6000)
    whole = read_live(home, run.id, "step", None).view
    part = read_live(home, run.id, "step", (1000.0, 1050.0)).view
    inside = [step for step in part.step_V.tolist() if 1000 <= step <= 1050]
    assert len(inside) == 51
    assert len([step for step in whole.step_V.tolist() if 1000 <= step <= 1050]) < 51
