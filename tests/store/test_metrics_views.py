"""Views through roll-ups say what the plain rows say: any length, gaps, NaN, new keys, restarts, truncation."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeft_core.store import open_metrics_reader, open_metrics_writer
from edgeft_core.store.metrics.writer import SqliteMetricsWriter
from tests.store.recording import CLASSES, NAN, Recording, Row

KEYS = ("loss", "top1", "late")


def row(step: int, seed: int) -> Row:
    """Random but repeatable; one key comes late, one is often not a number, batches differ in size."""
    draw = np.random.default_rng((step, seed))
    scalars = {"loss": float(draw.normal()), "top1": NAN if draw.random() < 0.3 else float(draw.random())}
    if step > 150:
        scalars["late"] = float(draw.normal()) * 1e6
    size = int(draw.integers(1, 6))
    classes = draw.integers(0, CLASSES, (2, size))
    return Row(step, scalars, tuple(classes[0].tolist()), tuple(classes[1].tolist()))


@dataclass(frozen=True)
class Act:
    """``batches`` more, each ``gap`` steps after the one before; or another verb with a number."""

    verb: str
    number: int = 0
    gap: int = 1


ACTS = st.lists(
    st.one_of(
        st.builds(Act, st.just("add"), st.integers(1, 400), st.sampled_from([1, 1, 1, 1, 2, 7, 70])),
        st.builds(Act, st.just("flush")),
        st.builds(Act, st.just("restart")),
        st.builds(Act, st.just("truncate"), st.integers(0, 1500)),
        st.builds(Act, st.just("go back"), st.integers(1, 300)),
    ),
    min_size=1,
    max_size=7,
)


def perform(path: Path, acts: list[Act]) -> Recording:
    recording, writer = Recording(), open_metrics_writer(path, CLASSES)
    for seed, act in enumerate(acts):
        newest = recording.rows[-1].step if recording.rows else 0
        if act.verb == "add":
            for number in range(1, act.number + 1):
                recording.add(writer, row(newest + number * act.gap, seed))
        elif act.verb == "truncate":
            recording.truncate_after(writer, act.number)
        elif act.verb == "go back":  # a step that comes again replaces what was recorded from there on
            recording.add(writer, row(max(1, newest - act.number), seed))
        elif act.verb == "restart":
            writer = _restarted(writer, path)
        else:
            writer.flush()
    writer.close()
    return recording


def _restarted(writer: SqliteMetricsWriter, path: Path) -> SqliteMetricsWriter:
    writer.close()
    return open_metrics_writer(path, CLASSES)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    acts=ACTS,
    first=st.integers(0, 1200),
    length=st.one_of(st.none(), st.integers(0, 1200)),
    points=st.integers(1, 90),
    images=st.integers(1, 3000),
)
def test_views_say_what_the_rows_say(
    acts: list[Act], first: int, length: int | None, points: int, images: int
) -> None:
    last = None if length is None else first + length
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.sqlite"
        recording = perform(path, acts)
        with open_metrics_reader(path) as reader:
            for begin, end in ((0, None), (first, last)):
                view = reader.view(KEYS, first=begin, last=end, points=points)
                recording.check_view(view, KEYS, begin, end, points)
                recording.check_histograms(
                    reader.histograms(first=begin, last=end, columns=points), begin, end, points
                )
            recording.check_window(reader.window_counts(images), images)
            assert reader.last_step() == (recording.rows[-1].step if recording.rows else 0)


@pytest.mark.slow
def test_views_of_a_long_run_say_what_the_rows_say(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    recording = perform(path, [Act("add", 9_000)])
    with open_metrics_reader(path) as reader:
        for first, last, points in ((0, None, 100), (1, 8_191, 64), (4_000, 4_003, 750), (77, 8_999, 3)):
            recording.check_view(
                reader.view(KEYS, first=first, last=last, points=points), KEYS, first, last, points
            )
            recording.check_histograms(
                reader.histograms(first=first, last=last, columns=points), first, last, points
            )


def test_a_view_shows_every_step_where_they_fit(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    recording = perform(path, [Act("add", 90)])
    with open_metrics_reader(path) as reader:
        view = reader.view(["loss"], points=90)
    assert view.step_V.tolist() == view.last_step_V.tolist() == list(range(1, 91))
    expected = np.array([one.scalars["loss"] for one in recording.rows], np.float32)
    np.testing.assert_array_equal(view.low["loss"], expected)
    np.testing.assert_array_equal(view.high["loss"], expected)


def test_columns_stay_where_they_are_while_a_run_grows(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    recording, writer = Recording(), open_metrics_writer(path, CLASSES)
    seen: dict[int, set[int]] = {}
    with open_metrics_reader(path) as reader:
        for step in range(1, 400):
            recording.add(writer, row(step, 0))
            writer.flush()
            view = reader.view(["loss"], points=50)
            width = int((view.last_step_V - view.step_V).max()) + 1
            for begin in view.step_V.tolist():
                seen.setdefault(width, set()).add(begin)
    writer.close()
    assert sorted(seen) == [1, 2, 4, 8], "columns double, they do not creep"
    for width, begins in seen.items():
        assert all(begin % width == 0 for begin in begins - {1})


def test_an_unknown_key_is_a_line_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    perform(path, [Act("add", 300)])
    with open_metrics_reader(path) as reader:
        view = reader.view(["nonsense", "loss"], points=20)
    assert np.isnan(view.low["nonsense"]).all()
    assert len(view.low["nonsense"]) == len(view.step_V)
    assert not np.isnan(view.low["loss"]).any()


def test_infinite_values_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    writer = open_metrics_writer(path, CLASSES)
    recording = Recording()
    for step, loss in enumerate((1.0, float("inf"), 1e300, float("-inf")), start=4):
        recording.add(writer, Row(step, {"loss": loss}, (1,), (1,)))
    writer.close()
    with open_metrics_reader(path) as reader:
        view = reader.view(["loss"], points=1)
    assert (view.low["loss"][0], view.high["loss"][0]) == (float("-inf"), float("inf"))


@pytest.mark.parametrize("classes", [2, 65_536, 65_537, 100_000])
def test_class_ids_of_any_size_are_counted(tmp_path: Path, classes: int) -> None:
    path = tmp_path / "metrics.sqlite"
    writer = open_metrics_writer(path, classes)
    recording = Recording()
    for step in range(1, 131):
        recording.add(writer, Row(step, {}, (classes - 1, 0, classes - 1), (1, 1, step % 2)))
    writer.close()
    with open_metrics_reader(path) as reader:
        view = reader.histograms(columns=3)
        window = reader.window_counts(7)
    assert view.counts_VC.sum() == view.labels_VC.sum() == 3 * 130
    assert view.counts_VC[:, classes - 1].sum() == 260
    assert window[0][classes - 1] == 5
    assert window[2] == 7
