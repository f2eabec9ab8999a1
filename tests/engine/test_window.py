"""The window and its tallies against recounting from scratch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeft_core.diagnostics.class_counts import effective_classes, max_class_share, unique_classes
from edgeft_core.engine.tally import ClassTally
from edgeft_core.engine.window import PredictionWindow

CLASSES = 7
image = st.tuples(
    st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1), st.integers(0, 1), st.integers(0, 1)
)
batches = st.lists(st.lists(image, min_size=1, max_size=9), min_size=1, max_size=12)


def filled(size: int, told: list[list[tuple[int, int, int, int]]]) -> PredictionWindow:
    window = PredictionWindow(size, CLASSES)
    for batch in told:
        window.add(*zip(*batch, strict=True))
    return window


@settings(deadline=None)
@given(st.integers(1, 20), batches)
def test_the_window_tells_what_recounting_its_images_tells(
    size: int, told: list[list[tuple[int, int, int, int]]]
) -> None:
    kept = [one for batch in told for one in batch][-size:]
    predicted = np.bincount([one[0] for one in kept], minlength=CLASSES)
    labels = np.bincount([one[1] for one in kept], minlength=CLASSES)
    assert filled(size, told).scalars() == pytest.approx(
        {
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
@given(st.integers(1, 20), batches)
def test_a_window_that_was_stored_goes_on_with_the_same_digits(
    size: int, told: list[list[tuple[int, int, int, int]]]
) -> None:
    whole = filled(size, told)
    restored = PredictionWindow(size, CLASSES)
    restored.load(whole.state())
    assert restored.scalars() == whole.scalars()
    for window in (whole, restored):
        window.add([1, 1], [0, 2], [0, 0], [1, 0])
    assert restored.scalars() == whole.scalars()


def test_an_empty_window_reads_as_zero() -> None:
    assert set(PredictionWindow(16, 5).scalars().values()) == {0.0}


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_a_tally_does_not_depend_on_the_order_of_coming_and_going(labels: list[int]) -> None:
    one, other = ClassTally(5), ClassTally(5)
    for label in labels:
        one.add(label)
    for label in [*sorted(labels), *labels]:
        other.add(label)
    for label in reversed(labels):
        other.remove(label)
    assert (one.effective, one.max_share, one.unique) == (other.effective, other.max_share, other.unique)
