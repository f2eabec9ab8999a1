"""Signals of predicted-class counts, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgeft_core.diagnostics.class_counts import effective_classes, max_class_share, unique_classes


def test_one_class_for_everything_is_one_effective_class() -> None:
    counts = np.array([0, 64, 0, 0])
    assert effective_classes(counts) == pytest.approx(1.0)
    assert max_class_share(counts) == 1.0
    assert unique_classes(counts) == 1


def test_an_even_spread_counts_every_class() -> None:
    counts = np.full(518, 2)
    assert effective_classes(counts) == pytest.approx(518.0)
    assert max_class_share(counts) == pytest.approx(1 / 518)
    assert unique_classes(counts) == 518


def test_the_entropy_is_that_of_the_shares() -> None:
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_classes(np.array([6, 2, 0])) == pytest.approx(math.exp(entropy))


def test_nothing_predicted_yet_reads_as_zero() -> None:
    nothing = np.zeros(5, np.int64)
    assert (max_class_share(nothing), effective_classes(nothing), unique_classes(nothing)) == (0.0, 0.0, 0)


@settings(deadline=None)
@given(arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 1000)).filter(lambda a: a.sum() > 0))
def test_effective_classes_lie_between_one_and_the_classes_predicted(counts: np.ndarray) -> None:
    assert 1.0 - 1e-9 <= effective_classes(counts) <= unique_classes(counts) * (1 + 1e-9)
