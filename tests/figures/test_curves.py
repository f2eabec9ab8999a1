from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go
import pytest

from edgeft_core.figures.axis import HorizontalAxis, View
from edgeft_core.figures.chart import LineChart, Reference, log_ticks, place_labels, vertical_range
from edgeft_core.figures.chart import draw as draw_spec
from edgeft_core.figures.curves import Style, curve, smooth
from edgeft_core.figures.marks import Marker, marker_labels
from edgeft_core.figures.spec import checked
from edgeft_core.figures.theme import Meaning, colour


@dataclass(frozen=True)
class Rows:
    """The part of a stored view that figures read."""

    step_V: np.ndarray
    epoch_V: np.ndarray
    time_V: np.ndarray
    low: dict[str, np.ndarray] = field(default_factory=dict)
    high: dict[str, np.ndarray] = field(default_factory=dict)
    total: int = 0


def draw(chart: LineChart) -> go.Figure:
    """Drawn, and checked by plotly."""
    return checked(draw_spec(chart))


def rows(low: list[float], high: list[float] | None = None, *, total: int | None = None) -> View:
    steps = np.arange(1, len(low) + 1)
    low_V = np.array(low, dtype=np.float32)
    high_V = low_V if high is None else np.array(high, dtype=np.float32)
    return Rows(
        steps,
        steps / 10,
        1000.0 + 30.0 * steps,
        {"x": low_V},
        {"x": high_V},
        len(low) if total is None else total,
    )


LINE = Style("Line", "One sentence.", Meaning.TRAINING)
STEPS = HorizontalAxis()


def test_an_unreduced_series_is_drawn_as_measured() -> None:
    one = curve(rows([1.0, 2.0, 4.0]), "x", LINE, STEPS)
    assert one.x_P.tolist() == [1, 2, 3]
    assert one.y_P.tolist() == [1, 2, 4]
    assert not one.has_spread
    assert one.last == 4


def test_a_bucket_is_drawn_at_its_middle_inside_a_band_of_its_extremes() -> None:
    one = curve(rows([1.0, 2.0], [3.0, 2.0], total=20), "x", LINE, STEPS)
    assert one.y_P.tolist() == [2, 2]
    assert one.high_P.tolist() == [3, 2]
    assert one.has_spread
    assert [trace.fill for trace in draw(LineChart((one,))).data] == ["toself", None]


def test_gaps_inside_a_series_stay_gaps_and_gaps_at_its_ends_take_no_points() -> None:
    one = curve(rows([np.nan, 1.0, np.nan, 2.0, np.nan]), "x", LINE, STEPS)
    assert one.x_P.tolist() == [2, 3, 4]
    assert np.isnan(one.y_P[1])


def test_a_sparse_series_is_joined_over_its_gaps() -> None:
    sparse = Style("Val", sparse=True)
    assert curve(rows([1.0, np.nan, 3.0]), "x", sparse, STEPS).x_P.tolist() == [1, 3]


def test_a_series_that_was_never_recorded_is_empty() -> None:
    one = curve(rows([1.0]), "other", LINE, STEPS)
    assert one.empty
    assert LineChart((one,)).empty
    assert len(draw(LineChart((one,))).data) == 0


def test_smoothing_is_a_debiased_exponential_mean() -> None:
    # m1 = x1; m2 = (w (1 - w) x1 + (1 - w) x2) / (1 - w^2) = (x1 + 2 x2) / 3 for w = 1/2
    assert smooth(np.array([3.0, 6.0]), 0.5).tolist() == pytest.approx([3.0, 5.0])
    assert smooth(np.array([3.0, 6.0]), 0.0).tolist() == [3.0, 6.0]


def test_smoothing_steps_over_a_gap() -> None:
    smoothed = smooth(np.array([3.0, np.nan, 6.0]), 0.5)
    assert np.isnan(smoothed[1])
    assert smoothed[[0, 2]].tolist() == pytest.approx([3.0, 5.0])


def test_what_was_measured_stays_visible_behind_a_smoothed_line() -> None:
    one = curve(rows([0.0, 10.0, 0.0, 10.0]), "x", LINE, STEPS, smoothing=0.9)
    measured, line = draw(LineChart((one,))).data
    assert measured.y.tolist() == [0, 10, 0, 10]
    assert max(line.y) < 10
    assert not measured.showlegend
    assert "0.35" in measured.line.color


def test_epochs_and_minutes_are_positions_too() -> None:
    view = rows([1.0, 2.0, 3.0])
    assert HorizontalAxis("epoch").positions(view).tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert HorizontalAxis("time", start_s=1030.0).positions(view).tolist() == pytest.approx([0, 0.5, 1.0])


def test_a_marker_between_two_buckets_lies_between_their_positions() -> None:
    view = Rows(np.array([10, 20]), np.array([1.0, 2.0]), np.array([0.0, 60.0]))
    assert HorizontalAxis("epoch").place([15], view).tolist() == [1.5]
    assert HorizontalAxis("step").place([15], view).tolist() == [15]


@pytest.mark.parametrize("kind", ["step", "epoch", "time"])
def test_a_zoomed_range_leads_back_to_the_steps_that_it_shows(kind: str) -> None:
    view = Rows(np.array([10, 20, 40]), np.array([1.0, 2.0, 4.0]), np.array([0.0, 60.0, 180.0]))
    axis = HorizontalAxis(kind)  # type: ignore[arg-type]
    low, high = axis.place([20, 40], view).tolist()
    assert axis.steps((low, high), view) == (20, 40)


def test_shares_are_shown_in_percent() -> None:
    assert curve(rows([0.25]), "x", LINE, STEPS, factor=100).y_P.tolist() == [25]


def test_the_vertical_range_holds_curves_and_references() -> None:
    chart = LineChart((curve(rows([1.0, 2.0]), "x", LINE, STEPS),), references=(Reference(9.0, "far"),))
    low, high = vertical_range(chart)
    assert low == 0
    assert high > 9


def test_labels_of_close_references_do_not_overlap() -> None:
    close = [Reference(1.0, "a"), Reference(1.1, "b"), Reference(1.2, "c"), Reference(9.0, "d")]
    placed = {one.value: one for one in place_labels(close, 0, 10)}
    assert (placed[1.0].side, placed[1.1].side) == ("right", "left")
    assert placed[1.0].text == "a, c"
    assert placed[1.2].text == ""
    assert (placed[9.0].text, placed[9.0].side) == ("d", "right")


def test_references_are_dashed_and_carry_their_name() -> None:
    chart = LineChart(
        (curve(rows([1.0]), "x", LINE, STEPS),), references=(Reference(0.5, "chance", (0.2, 0.8)),)
    )
    figure = draw(chart)
    assert [shape.type for shape in figure.layout.shapes] == ["rect", "line"]
    assert figure.layout.shapes[1].line.dash == "dash"
    assert figure.layout.annotations[0].text == "chance"


def test_only_the_latest_changes_are_labelled_but_all_are_marked() -> None:
    markers = tuple(Marker(float(step), "change", f"T {step}") for step in range(1, 9))
    figure = draw(LineChart((curve(rows([1.0]), "x", LINE, STEPS),), markers=markers))
    assert len(figure.layout.shapes) == 8
    assert [note.text for note in figure.layout.annotations if note.text.startswith("T ")] == [
        "T 3",
        "T 4",
        "T 5",
        "T 6",
        "T 7",
        "T 8",
    ]


def test_a_reduced_chart_says_how_much_it_shows() -> None:
    assert (
        LineChart((curve(rows([1.0, 2.0], total=12_000), "x", LINE, STEPS),)).reduced
        == "showing 2 of 12 000 steps"
    )
    assert LineChart((curve(rows([1.0, 2.0]), "x", LINE, STEPS),)).reduced == ""


def test_gradient_norms_share_the_x_axis_on_a_logarithmic_panel_of_their_own() -> None:
    one = curve(rows([1.0, 2.0]), "x", LINE, STEPS)
    figure = draw(LineChart((one,), lower=(one,), lower_title="norm"))
    assert [trace.yaxis for trace in figure.data] == ["y", "y2"]
    assert figure.layout.yaxis2.type == "log"
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]


def test_quantities_of_many_sizes_are_drawn_on_a_logarithmic_axis_with_their_reference() -> None:
    one = curve(rows([1e-5, 1e-3]), "x", LINE, STEPS)
    figure = draw(LineChart((one,), references=(Reference(1e-2, "too hot"),), log_y=True))
    assert figure.layout.yaxis.type == "log"
    low, high = figure.layout.yaxis.range
    label = next(note for note in figure.layout.annotations if note.text == "too hot")
    assert low < -5 < label.y < high
    assert label.y == pytest.approx(-2)


def test_a_name_is_shown_as_it_is() -> None:
    one = curve(rows([1.0]), "x", Style("<b>x</b>"), STEPS)
    assert "&lt;b&gt;x&lt;/b&gt;" in draw(LineChart((one,))).data[0].hovertemplate


def test_words_of_markers_stand_above_the_chart_and_inside_its_ends() -> None:
    markers = (Marker(1.0, "verdict", "watch", Meaning.WATCH), Marker(99.0, "change", "T 1"))
    one = curve(rows([1.0]), "x", LINE, STEPS)
    figure = draw(LineChart((one,), markers=markers, x_range=(1.0, 100.0)))
    words = {note.text: note for note in figure.layout.annotations}
    assert (words["watch"].xanchor, words["T 1"].xanchor) == ("left", "right")
    assert {words["watch"].yanchor, words["T 1"].yanchor} == {"bottom"}
    assert figure.layout.shapes[0].line.color == colour(Meaning.WATCH)


def test_words_of_markers_at_the_same_place_do_not_lie_on_each_other() -> None:
    markers = tuple(
        Marker(x, "verdict", text) for x, text in ((1.0, "learning"), (1.5, "watch"), (60.0, "collapsed"))
    )
    labels = marker_labels(markers, (0.0, 100.0))
    assert [one["text"] for one in labels] == ["watch", "collapsed"]


def test_the_hover_of_a_marker_says_what_happened() -> None:
    (label,) = marker_labels(
        (Marker(1.0, "verdict", "watch", sentence="Watch <b> since step 1"),), (0.0, 9.0)
    )
    assert label["hovertext"] == "Watch &lt;b&gt; since step 1"
    checked({"data": [], "layout": {"annotations": [label]}})


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.9, 6.0, [1, 2, 5]), (4.0, 30.0, [5, 10, 20]), (1e-4, 1e3, [1e-4, 1e-1, 1e2])],
)
def test_a_logarithmic_axis_has_a_few_round_ticks(low: float, high: float, ticks: list[float]) -> None:
    assert log_ticks(low, high) == pytest.approx(ticks)
