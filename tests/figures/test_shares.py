from __future__ import annotations

import numpy as np
import pytest

from edgeft_core.figures.axis import HorizontalAxis
from edgeft_core.figures.bars import (
    draw_images_per_identity,
    draw_top_classes,
    images_per_identity,
    top_classes,
)
from edgeft_core.figures.evolution import draw_evolution, evolution
from edgeft_core.figures.shares import class_shares, draw_shares
from edgeft_core.figures.spec import checked

NAMES = ("ann", "bob", "cid", "dan")


def test_classes_are_sorted_by_how_often_they_are_predicted() -> None:
    shares = class_shares(np.array([1, 6, 0, 3]), np.array([2, 2, 3, 3]), NAMES, chance=0.5, bars=3)
    assert shares.names_K == ("bob", "dan", "ann")
    assert shares.share_K.tolist() == pytest.approx([60, 30, 10])
    assert shares.label_share_K.tolist() == pytest.approx([20, 30, 20])
    assert (shares.predicted, shares.n_classes, shares.images) == (3, 4, 10)
    assert shares.largest == pytest.approx(0.6)
    assert shares.rest == pytest.approx(0)


def test_classes_predicted_equally_often_keep_the_order_of_their_labels() -> None:
    assert class_shares(np.ones(4, int), np.ones(4, int), NAMES, chance=0.5).names_K == NAMES


def test_nothing_predicted_yet_is_empty() -> None:
    shares = class_shares(np.zeros(4, int), np.zeros(4, int), NAMES, chance=0.5)
    assert shares.empty
    assert shares.predicted == 0


def test_the_bars_are_compared_with_labels_and_with_guessing() -> None:
    figure = checked(draw_shares(class_shares(np.array([9, 1]), np.array([5, 5]), NAMES, chance=0.6)))
    assert [trace.name for trace in figure.data] == ["predicted", "true labels"]
    assert figure.layout.shapes[0].y0 == pytest.approx(60)
    assert "60.0 %" in figure.layout.annotations[0].text


def test_the_map_keeps_a_class_that_once_took_everything() -> None:
    counts_VC = np.array([[10, 0, 0, 0], [0, 4, 3, 3], [0, 4, 3, 3], [0, 4, 3, 3]])
    kept = evolution(np.arange(4.0), counts_VC, NAMES, HorizontalAxis(), rows=2)
    assert "ann" in kept.names_R
    assert kept.reduced == "showing 2 of 4 classes"


def test_the_map_shows_shares_of_each_column() -> None:
    counts_VC = np.array([[1, 3], [2, 0]])
    data = evolution(np.array([5.0, 10.0]), counts_VC, NAMES[:2], HorizontalAxis())
    by_name = dict(zip(data.names_R, data.share_RV.tolist(), strict=True))
    assert by_name["ann"] == pytest.approx([25, 100])
    assert by_name["bob"] == pytest.approx([75, 0])
    assert checked(draw_evolution(data)).data[0].z.max() == pytest.approx(10)


def test_a_map_without_columns_is_empty() -> None:
    assert evolution(np.zeros(0), np.zeros((0, 4), int), NAMES, HorizontalAxis()).empty


def test_names_with_markup_are_shown_as_they_are() -> None:
    names = ("<img src=x>", "b")
    figure = checked(draw_evolution(evolution(np.zeros(1), np.ones((1, 2), int), names, HorizontalAxis())))
    assert figure.layout.yaxis.ticktext[0].startswith("&lt;img")
    bars = checked(draw_top_classes(top_classes([0, 1], names, [0.7, 0.2], 1)))
    assert bars.layout.yaxis.ticktext[0].startswith("&lt;img")


def test_the_true_class_is_ticked() -> None:
    data = top_classes([2, 0], ["cid", "ann"], [0.6, 0.3], 0)
    assert data.right_K == (False, True)
    assert data.percent_K == pytest.approx((60, 30))
    assert checked(draw_top_classes(data)).layout.yaxis.ticktext == ("cid", "ann \u2713")


def test_identities_are_counted_by_their_number_of_images() -> None:
    data = images_per_identity(np.array([12, 12, 3]))
    assert data.images_K.tolist() == [3, 12]
    assert data.identities_K.tolist() == [1, 2]
    assert list(checked(draw_images_per_identity(data)).data[0].y) == [1, 2]
