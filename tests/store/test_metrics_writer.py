"""What the writer promises beside views: signals, latest values, samples, facts, flushing, one class count."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeft_core.errors import DiskFullError, HomeError
from edgeft_core.events import SamplesTaken
from edgeft_core.store import open_metrics_reader, open_metrics_writer
from edgeft_core.store.metrics.writer import SqliteMetricsWriter
from tests.store.recording import CLASSES, NAN, START, Recording, Row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "r1" / "metrics.sqlite"


def signals(writer: SqliteMetricsWriter, step: int, **scalars: float) -> None:
    writer.add_signals(step, scalars, at=START, epoch_total=step / 10)


def test_nothing_is_seen_before_the_flush_and_everything_after_it(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    recording = Recording()
    with open_metrics_reader(path) as reader:
        recording.add(writer, Row(1, {"loss": 2.0}, (1, 2), (1, 3)))
        signals(writer, 1, effective_rank=7.0)
        writer.put_facts({"device": "cpu"})
        assert (reader.last_step(), reader.latest(), reader.facts()) == (0, {}, {})
        writer.flush()
        assert reader.last_step() == 1
        assert reader.latest() == {"loss": 2.0, "effective_rank": 7.0}
        assert reader.facts() == {"device": "cpu"}
        assert reader.keys() == ("loss", "effective_rank")
        assert (reader.batch_keys(), reader.signal_keys()) == (("loss",), ("effective_rank",))
        assert reader.n_classes() == CLASSES
    writer.close()


def test_signals_of_one_step_are_joined_and_the_newest_value_counts(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    signals(writer, 100, effective_rank=7.0, head_cos_mean=0.1)
    signals(writer, 100, val_top1=0.25)
    writer.flush()
    signals(writer, 100, effective_rank=8.0)
    writer.close()
    with open_metrics_reader(path) as reader:
        view = reader.sparse(["effective_rank", "head_cos_mean", "val_top1"])
    assert view.step_V.tolist() == [100]
    found = {key: float(values[0]) for key, values in view.high.items()}
    assert found == {"effective_rank": 8.0, "head_cos_mean": pytest.approx(0.1), "val_top1": 0.25}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(
        st.tuples(st.integers(0, 300), st.sampled_from("abc"), st.floats(-5, 5, width=32)), max_size=40
    ),
    points=st.integers(1, 40),
)
def test_signals_in_any_order_read_as_if_they_had_come_in_order(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, str, float]], points: int
) -> None:
    path = tmp_path_factory.mktemp("signals") / "metrics.sqlite"
    writer = open_metrics_writer(path, CLASSES)
    expected: dict[int, dict[str, float]] = {}
    for step, key, value in calls:
        signals(writer, step, **{key: value})
        expected.setdefault(step, {})[key] = value
    writer.close()
    with open_metrics_reader(path) as reader:
        view = reader.sparse(["a", "b", "c"], points=points)
    assert view.total == len(expected)
    for column, (first, last) in enumerate(zip(view.step_V.tolist(), view.last_step_V.tolist(), strict=True)):
        inside = [scalars for step, scalars in sorted(expected.items()) if first <= step <= last]
        for key in "abc":
            values = np.array([scalars.get(key, NAN) for scalars in inside], np.float32)
            np.testing.assert_array_equal(view.low[key][column], np.fmin.reduce(values))
            np.testing.assert_array_equal(view.high[key][column], np.fmax.reduce(values))


def test_the_latest_value_outlives_batches_without_it_and_follows_truncation(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    recording = Recording()
    for step in range(1, 21):
        scalars = {"loss": float(step), "first_stage": float(step)} if step <= 8 else {"loss": float(step)}
        recording.add(writer, Row(step, scalars | {"empty": NAN}, (1,), (1,)))
    signals(writer, 5, val_top1=0.5)
    signals(writer, 15, val_top1=0.75)
    writer.flush()
    with open_metrics_reader(path) as reader:
        assert reader.latest() == {"loss": 20.0, "first_stage": 8.0, "val_top1": 0.75}
        writer.truncate_after(12)
        assert reader.latest() == {"loss": 12.0, "first_stage": 8.0, "val_top1": 0.5}
        assert reader.sparse(["val_top1"]).step_V.tolist() == [5]
        assert reader.last_step() == 12
        writer.truncate_after(0)
        assert (reader.latest(), reader.last_step()) == ({}, 0)
    writer.close()


def test_the_tail_is_the_newest_rows_as_they_are(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    recording = Recording()
    for step in range(1, 41):
        recording.add(writer, Row(step, {"loss": float(step)}, (1,), (1,)))
    writer.close()
    with open_metrics_reader(path) as reader:
        view = reader.tail(["loss"], 3)
        assert view.step_V.tolist() == [38, 39, 40]
        assert view.low["loss"].tolist() == view.high["loss"].tolist() == [38.0, 39.0, 40.0]
        assert len(reader.tail(["loss"], 0).step_V) == 0


def taken(step: int, split: str = "validation") -> SamplesTaken:
    return SamplesTaken(
        split=split,  # type: ignore[arg-type]
        step=step,
        items_N=("a b/\u017elut\u00fd.png", "c/2.png"),
        labels_N=np.array([4, 5]),
        top_NK=np.array([[4, 1, 2, 3, 0], [0, 1, 2, 3, 4]]),
        probs_NK=np.array([[0.5, 0.1, 0.1, 0.1, 0.1], [0.3, 0.2, 0.1, 0.1, 0.1]], np.float32),
    )


def test_samples_replace_those_of_their_split(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    for event in (taken(1), taken(2, "train"), taken(3)):
        writer.put_samples(event)
    writer.close()
    with open_metrics_reader(path) as reader:
        found = reader.samples("validation")
        assert found is not None
        assert (found.step, found.items_N) == (3, taken(3).items_N)
        np.testing.assert_array_equal(found.labels_N, taken(3).labels_N)
        np.testing.assert_array_equal(found.top_NK, taken(3).top_NK)
        np.testing.assert_array_equal(found.probs_NK, taken(3).probs_NK)
        assert found.probs_NK.dtype == np.float32
        assert reader.samples("test") is None
        train = reader.samples("train")
        assert train is not None
        assert train.step == 2


def test_facts_are_added_and_replaced_by_name(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    writer.put_facts(
        {"class_names": ["\u017elut\u00fd", "b"], "label_counts": np.array([3, 4]), "loss": np.float32(0.5)}
    )
    writer.flush()
    writer.put_facts({"loss": None, "where": Path("x")})
    writer.close()
    with open_metrics_reader(path) as reader:
        facts = reader.facts()
    assert facts == {
        "class_names": ["\u017elut\u00fd", "b"],
        "label_counts": [3, 4],
        "loss": None,
        "where": "x",
    }


def test_a_file_of_other_classes_is_refused(path: Path) -> None:
    open_metrics_writer(path, CLASSES).close()
    with pytest.raises(HomeError, match=f"over {CLASSES} classes, not 40"):
        open_metrics_writer(path, 40)


def test_a_closed_file_stands_alone(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    Recording().add(writer, Row(1, {"loss": 1.0}, (1,), (1,)))
    writer.close()
    assert [one.name for one in path.parent.iterdir()] == ["metrics.sqlite"]


def test_closing_while_somebody_reads_loses_nothing(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    Recording().add(writer, Row(1, {"loss": 1.0}, (1,), (1,)))
    writer.flush()
    with open_metrics_reader(path) as reader:
        assert reader.last_step() == 1
        writer.close()
        assert reader.latest() == {"loss": 1.0}
    again = open_metrics_writer(path, CLASSES)
    Recording().add(again, Row(2, {"loss": 3.0}, (1,), (1,)))
    again.close()
    with open_metrics_reader(path) as reader:
        assert reader.latest() == {"loss": 3.0}


def test_a_full_disk_is_told_and_the_flush_can_be_tried_again(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    recording = Recording()
    recording.add(writer, Row(1, {"loss": 1.0}, (1,), (1,)))
    writer.flush()
    pages = writer._connection.execute("PRAGMA page_count").fetchone()[0]
    writer._connection.execute(f"PRAGMA max_page_count={pages + 2}")
    for step in range(2, 600):
        recording.add(writer, Row(step, {"loss": float(step)}, (1, 2), (3, 4)))
    with pytest.raises(DiskFullError, match="No space is left for the metrics"):
        writer.flush()
    with open_metrics_reader(path) as reader:
        assert reader.last_step() == 1, "a flush happens wholly or not at all"
        assert reader.latest() == {"loss": 1.0}
    writer._connection.execute("PRAGMA max_page_count=1000000")
    writer.close()
    with open_metrics_reader(path) as reader:
        recording.check_view(reader.view(["loss"], points=50), ["loss"], 0, None, 50)
        recording.check_histograms(reader.histograms(columns=20), 0, None, 20)


def test_a_place_that_cannot_be_written_is_a_home_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HomeError, match="cannot be written"):
        open_metrics_writer(tmp_path / "file" / "metrics.sqlite", CLASSES)


def test_a_writer_belongs_to_its_thread(path: Path) -> None:
    writer = open_metrics_writer(path, CLASSES)
    errors: list[BaseException] = []

    def flush() -> None:
        try:
            writer.flush()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=flush)
    thread.start()
    thread.join()
    assert isinstance(errors[0], sqlite3.ProgrammingError)
    writer.close()
