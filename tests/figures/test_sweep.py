"""Figures of a sweep: what plotly is given."""

from __future__ import annotations

import numpy as np
import pytest

from edgeft_core.figures.spec import checked
from edgeft_core.figures.sweep_map import CellMap, MapFrame, MarkedPlace, PointMap, draw_cells, draw_points
from edgeft_core.figures.sweep_measure import MEASURES, column_of
from edgeft_core.figures.sweep_parallel import Parallel, Post, draw_parallel


def frame(measure: str = "max_class_share", marks: tuple[MarkedPlace, ...] = ()) -> MapFrame:
    return MapFrame("Scale s", "Temperature T", MEASURES[measure], 518, 0.5, 6.2, marks)


def cells(**changes: object) -> CellMap:
    parts: dict[str, object] = {
        "frame": frame(),
        "x_names": ("2", "8", "32"),
        "y_names": ("1", "4"),
        "value_YX": np.array([[0.5, 0.01, 0.02], [0.9, np.nan, 0.03]]),
        "about_YX": [["a", "b", "c"], ["d", "e", "f"]],
        "border": [(0.5, -0.5, 0.5, 0.5)],
        "chosen": (1, 0),
    }
    return CellMap(**(parts | changes))  # type: ignore[arg-type]


def test_cells_are_coloured_by_the_root_of_the_share_and_say_the_share() -> None:
    figure = checked(draw_cells(cells()))
    heat = figure.data[0]
    assert heat.z[0][0] == pytest.approx(np.sqrt(50))
    assert heat.text[0][0] == "50.0 %"
    assert heat.text[1][1] == ""
    assert (heat.zmin, heat.zmax) == (0, 10)


def test_the_border_is_a_line_and_the_chosen_cell_a_frame() -> None:
    shapes = draw_cells(cells())["layout"]["shapes"]
    assert [shape["type"] for shape in shapes] == ["line", "rect"]
    assert (shapes[0]["x0"], shapes[0]["x1"]) == (0.5, 0.5)


def test_marks_point_to_their_place_and_leave_the_map_where_they_are_beyond_it() -> None:
    marks = (MarkedPlace("reported-before", 2.0, 0.0), MarkedPlace("reported-fix", 1.0, 1.0, (0, 1)))
    labels = draw_cells(cells(frame=frame(marks=marks)))["layout"]["annotations"]
    assert [label["text"] for label in labels] == ["reported-before", "\u2191 reported-fix"]
    assert (labels[0]["x"], labels[0]["y"]) == (2.0, 0.0)


def test_a_map_without_numbers_waits() -> None:
    nothing = np.full((2, 3), np.nan)
    assert draw_cells(cells(value_YX=nothing, border=[], chosen=None))["data"] == []


@pytest.mark.parametrize("measure", list(MEASURES))
def test_every_measure_can_colour_cells_and_points(measure: str) -> None:
    value_K = np.array([0.2, 3.0, np.nan])
    points = PointMap(
        frame(measure), np.array([2.0, 8.0, 30.0]), np.array([0.5, 1.0, 4.0]), value_K, ["a", "b", "c"],
        np.array([True, False, False]), log_x=True, log_y=True, chosen=1,
    )  # fmt: skip
    drawn = checked(draw_points(points)).data[0]
    assert list(drawn.marker.symbol) == ["x", "circle"]
    assert list(drawn.marker.size) == [11, 15]
    checked(draw_cells(cells(frame=frame(measure))))


def test_colours_mean_the_same_at_every_look() -> None:
    early = draw_cells(cells(value_YX=np.full((2, 3), 0.01)))["data"][0]
    late = draw_cells(cells(value_YX=np.full((2, 3), 0.9)))["data"][0]
    assert (early["zmin"], early["zmax"]) == (late["zmin"], late["zmax"])


def test_parallel_lines_go_through_every_post_and_the_best_lie_on_top() -> None:
    posts = (
        Post("Scale s", np.array([0.0, 0.5, 1.0]), ((0.0, "2"), (1.0, "32"))),
        Post("Top-1", np.array([0.1, 0.9, np.nan]), ((0.0, "0 %"),)),
    )
    figure = checked(draw_parallel(Parallel(posts, np.array([0.0, 1.0, np.nan]), ["a", "b", "c"], best=[1])))
    assert figure.data[-1].line.width > figure.data[0].line.width
    assert len(figure.data[-1].x) == 3  # two posts and the gap behind them
    assert {label.text for label in figure.layout.annotations} >= {"<b>Scale s</b>", "32", "0 %"}


def test_training_and_validation_are_columns_of_their_own() -> None:
    assert column_of("top1", "training") == "top1"
    assert column_of("top1", "validation") == "val_top1"
