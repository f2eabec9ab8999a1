"""The bar of verdicts: spans in order, names where they fit, and what was seen in the hover."""

from __future__ import annotations

from edgeft_core.figures.spec import checked
from edgeft_core.figures.theme import Meaning, colour
from edgeft_core.figures.timeline import Span, draw_timeline, timeline

SPANS = (
    Span("collapsed", 40, 200, Meaning.BAD, "5 of 60 <classes> are predicted"),
    Span("learning", 0, 2, Meaning.OK),
    Span("watch", 2, 40, Meaning.WATCH),
)


def test_spans_follow_each_other_from_the_first_step_to_the_last() -> None:
    data = timeline(SPANS)
    assert [one.name for one in data.spans] == ["learning", "watch", "collapsed"]
    assert data.x_range == (0.0, 200.0)


def test_a_name_stands_inside_its_span_where_it_fits_and_in_the_hover_always() -> None:
    figure = checked(draw_timeline(timeline(SPANS)))
    assert [note.text for note in figure.layout.annotations] == ["watch", "collapsed"]
    assert [text.split("<br>")[0] for text in figure.data[0].customdata] == [
        "<b>learning</b>, step 0 to 2",
        "<b>watch</b>, step 2 to 40",
        "<b>collapsed</b>, step 40 to 200",
    ]
    assert "5 of 60 &lt;classes&gt;" in figure.data[0].customdata[2]


def test_each_span_has_the_colour_of_its_verdict_and_an_edge() -> None:
    figure = checked(draw_timeline(timeline(SPANS)))
    edges = [shape.line.color for shape in figure.layout.shapes if shape.type == "line"]
    assert edges == [colour(Meaning.OK), colour(Meaning.WATCH), colour(Meaning.BAD)]


def test_a_run_without_a_verdict_has_an_empty_bar() -> None:
    assert draw_timeline(timeline(()))["data"] == []
    assert timeline((Span("learning", 3, 3, Meaning.OK),)).x_range == (3.0, 4.0)
