"""Sessions that look at the same run at the same moment share what is read and drawn, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeft_core import queries
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from tests.recorded import recorded_run
from ui import state
from ui.live.control_panel import panel_depends_on
from ui.live.drawing import Drawing, DrawnChart, drawing
from ui.live.reading import read_live
from ui.live_chart.payload import next_message
from ui.now import at_this_moment


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    home = Home(tmp_path / "home").ensure()
    monkeypatch.setattr(state, "home", lambda: home)
    yield home
    queries.forget(home)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were read, each time that one was."""
    read, real = list[str](), read_live

    def counted(home: Home, run_id: str, *rest: Any) -> Any:
        read.append(run_id)
        return real(home, run_id, *rest)

    monkeypatch.setattr("ui.live.drawing.read_live", counted)
    return read


def test_a_second_look_at_the_same_moment_reads_and_draws_nothing(home: Home, readings: list[str]) -> None:
    run = recorded_run(home).id
    first = at_this_moment(drawing, run, "step", 0.0, "", None, ())
    assert at_this_moment(drawing, run, "step", 0.0, "", None, ()) is first
    assert readings == [run]


@pytest.mark.parametrize(
    "other",
    [
        ("epoch", 0.0, "", None, ()),
        ("step", 0.7, "", None, ()),
        ("step", 0.0, "", (3.0, 9.0), ()),
        ("step", 0.0, "", None, ("head",)),
    ],
)
def test_whoever_looks_differently_gets_charts_of_their_own(
    home: Home, readings: list[str], other: tuple[Any, ...]
) -> None:
    run = recorded_run(home).id
    plain = at_this_moment(drawing, run, "step", 0.0, "", None, ())
    assert at_this_moment(drawing, run, *other) is not plain
    assert readings == [run, run]


def test_two_runs_are_never_taken_for_each_other(home: Home, readings: list[str]) -> None:
    one, two = recorded_run(home, "one").id, recorded_run(home, "two", collapsed=True).id
    drawn = [at_this_moment(drawing, run, "step", 0.0, "", None, ()) for run in (one, two)]
    assert sent(drawn[0]) != sent(drawn[1])
    assert [chart.key.split(".")[1] for chart in (one_of(drawn[0]), one_of(drawn[1]))] == [one, two]


def sent(drawn: Drawing) -> dict[str, Any]:
    """What a browser gets that knows nothing yet of who is predicted."""
    return next_message(drawn.charts["now"].figure, None)[0]


def one_of(drawn: Drawing) -> DrawnChart:
    return next(iter(drawn.charts.values()))


def test_a_change_in_the_catalog_is_seen_at_once(home: Home) -> None:
    run = recorded_run(home, state=RunState.RUNNING).id
    catalog = queries.catalog_of(home)
    assert at_this_moment(queries.run_status, run).state is RunState.RUNNING
    catalog.move_run(run, RunState.PAUSED)
    assert at_this_moment(queries.run_status, run).state is RunState.PAUSED


def test_the_panel_depends_on_commands_and_states_and_not_on_heartbeats(home: Home) -> None:
    run = recorded_run(home, state=RunState.RUNNING).id
    catalog = queries.catalog_of(home)
    seen = [panel_depends_on(home, run)]
    catalog.heartbeat(run, {"step": 41})
    assert panel_depends_on(home, run) == seen[0], "a step is no reason to draw sliders anew"
    request = ControlRequest(0, "set", {"head.scale": 8.0})
    command = catalog.add_command(run, request, requested_by="user")
    seen.append(panel_depends_on(home, run))
    catalog.settle_command(command.id, "applied", step=42, reason="", previous={"head.scale": 16.0})
    seen.append(panel_depends_on(home, run))
    catalog.move_run(run, RunState.PAUSED)
    seen.append(panel_depends_on(home, run))
    assert len(set(seen)) == 4
