"""The window and its tallies against recounting from scratch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeft_core.diagnostics.class_counts import effective_classes, max_class_share, unique_classes
from edgeft_core.engine.tally import ClassTally
from edgeft_core.engine.window import PredictionWindow
from edgeft_core.events import IntArray

Image = tuple[int, int, int, int]

CLASSES = 7
image = st.tuples(
    st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1), st.integers(0, 1), st.integers(0, 1)
)
batches = st.lists(st.lists(image, min_size=1, max_size=9), min_size=1, max_size=12)
equal_batches = st.integers(1, 9).flatmap(
    lambda size: st.lists(st.lists(image, min_size=size, max_size=size), min_size=1, max_size=12)
)


def as_steps(told: list[list[Image]]) -> IntArray:
    """Batches of one size, shape (4, S, B)."""
    return np.array(told, np.int64).transpose(2, 0, 1)


def filled(size: int, told: list[list[Image]]) -> tuple[PredictionWindow, list[dict[str, float]]]:
    """A window that got one batch after the other, and what it told after each."""
    window = PredictionWindow(size, CLASSES)
    return window, [window.add(as_steps([batch]))[0] for batch in told]


@settings(deadline=None)
@given(st.integers(1, 20), batches)
def test_the_window_tells_what_recounting_its_images_tells(size: int, told: list[list[Image]]) -> None:
    kept = [one for batch in told for one in batch][-size:]
    predicted = np.bincount([one[0] for one in kept], minlength=CLASSES)
    labels = np.bincount([one[1] for one in kept], minlength=CLASSES)
    newest = told[-1][-size:]
    assert filled(size, told)[1][-1] == pytest.approx(
        {
            "top1": np.mean([one[2] for one in newest]),
            "top5": np.mean([one[3] for one in newest]),
            "batch_label_classes": effective_classes(np.bincount([one[1] for one in newest])),
            "top1_running": np.mean([one[2] for one in kept]),
            "top5_running": np.mean([one[3] for one in kept]),
            "max_class_share": max_class_share(predicted),
            "label_max_share": max_class_share(labels),
            "effective_classes": effective_classes(predicted),
            "unique_classes": unique_classes(predicted),
            "window_images": len(kept),
        }
    )


@settings(deadline=None)
@given(st.integers(1, 60), equal_batches)
def test_several_steps_at_once_give_the_digits_of_one_after_the_other(
    size: int, told: list[list[Image]]
) -> None:
    assert PredictionWindow(size, CLASSES).add(as_steps(told)) == filled(size, told)[1]


@settings(deadline=None)
@given(st.integers(1, 20), batches)
def test_a_window_that_was_stored_goes_on_with_the_same_digits(size: int, told: list[list[Image]]) -> None:
    whole, _ = filled(size, told)
    restored = PredictionWindow(size, CLASSES)
    restored.load(whole.state())
    more = as_steps([[(1, 0, 0, 1), (1, 2, 0, 0)], [(3, 3, 1, 1), (0, 2, 0, 0)]])
    assert restored.add(more) == whole.add(more)


def test_a_stored_window_without_images_is_an_empty_one() -> None:
    restored = PredictionWindow(16, CLASSES)
    restored.load(PredictionWindow(16, CLASSES).state())
    assert restored.add(as_steps([[(2, 2, 1, 1)]]))[0]["window_images"] == 1.0


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_a_tally_does_not_depend_on_the_order_of_coming_and_going(labels: list[int]) -> None:
    one, other = ClassTally(5, 180), ClassTally(5, 180)
    nobody = np.full((1, len(labels)), -1)
    at_once = one.change(np.array([labels]), nobody)
    for label in [*sorted(labels), *labels]:
        other.change(np.array([[label]]), np.array([[-1]]))
    again = other.change(nobody, np.array([labels]))
    for figure in ("max_share_S", "effective_S", "unique_S"):
        assert getattr(again, figure).tolist() == getattr(at_once, figure).tolist()


def test_the_largest_window_of_one_class_is_still_counted_exactly() -> None:
    window = PredictionWindow(100_000, 3)
    told = window.add(np.ones((4, 1, 100_000), np.int64))[0]
    assert told["effective_classes"] == pytest.approx(1.0, abs=1e-9)
