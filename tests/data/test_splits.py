"""Splits: stratified, deterministic, independent of order and of other identities."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeft_core.data.listing import SplitName
from edgeft_core.data.splits import own_split, shares, stratified

FRACTIONS = st.floats(0.01, 0.5)


def labelled(counts: list[int]) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    items = [f"id{label}/{place}" for label, n in enumerate(counts) for place in range(n)]
    return items, labels


def test_twelve_images_at_fifteen_percent_make_eight_two_two() -> None:
    assert shares(12, 0.15, 0.15) == (8, 2, 2)


def test_few_images_serve_training_first_then_validation_then_test() -> None:
    assert [shares(n, 0.15, 0.15) for n in (0, 1, 2, 3, 4)] == [
        (0, 0, 0),
        (1, 0, 0),
        (1, 1, 0),
        (1, 1, 1),
        (2, 1, 1),
    ]


@given(st.integers(3, 500), FRACTIONS, FRACTIONS)
def test_three_images_or_more_leave_no_part_empty(n: int, validation: float, test: float) -> None:
    parts = shares(n, validation, test)
    assert sum(parts) == n
    assert min(parts) >= 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 2**31 - 1), FRACTIONS, FRACTIONS)
def test_every_image_is_in_exactly_one_part_and_every_identity_trains(
    counts: list[int], seed: int, validation: float, test: float
) -> None:
    items, labels = labelled(counts)
    splits = stratified(items, labels, seed=seed, validation_fraction=validation, test_fraction=test)
    together = np.concatenate(list(splits.indices.values()))
    assert sorted(together.tolist()) == list(range(len(items)))
    assert set(labels[splits.indices["train"]].tolist()) == set(range(len(counts)))
    for label, n in enumerate(counts):
        if n >= 3:
            assert all((labels[part] == label).any() for part in splits.indices.values())


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.integers(0, 99), st.randoms())
def test_the_order_of_files_does_not_matter(counts: list[int], seed: int, random: object) -> None:
    items, labels = labelled(counts)
    order = np.arange(len(items))
    random.shuffle(order)  # type: ignore[attr-defined]
    kwargs = {"seed": seed, "validation_fraction": 0.2, "test_fraction": 0.2}
    plain = stratified(items, labels, **kwargs)  # type: ignore[arg-type]
    mixed_items = [items[i] for i in order]
    mixed = stratified(mixed_items, labels[order], **kwargs)  # type: ignore[arg-type]
    for name, part in plain.indices.items():
        assert {items[i] for i in part} == {mixed_items[i] for i in mixed.indices[name]}


def test_a_new_identity_moves_nobody_elses_images() -> None:
    items, labels = labelled([6, 6])
    more, more_labels = labelled([6, 6, 6])
    few = stratified(items, labels, seed=1, validation_fraction=0.2, test_fraction=0.2)
    many = stratified(more, more_labels, seed=1, validation_fraction=0.2, test_fraction=0.2)
    for name, part in few.indices.items():
        assert {items[i] for i in part} == {more[i] for i in many.indices[name] if more_labels[i] < 2}


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    items, labels = labelled([12] * 20)
    one, again, other = (
        stratified(items, labels, seed=seed, validation_fraction=0.15, test_fraction=0.15)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.indices["test"], again.indices["test"])
    assert one.indices["test"].tolist() != other.indices["test"].tolist()


def test_single_images_and_pairs_are_warned_about() -> None:
    items, labels = labelled([1, 2, 5])
    warnings = stratified(items, labels, seed=0, validation_fraction=0.2, test_fraction=0.2).warnings
    assert [text.split(" ", 1)[0] for text in warnings] == ["1", "1"]
    assert "single image" in warnings[0]
    assert "two images" in warnings[1]


def test_a_split_of_the_datas_own_is_kept() -> None:
    items, labels = labelled([3, 3])
    parts: list[SplitName | None] = ["train", "validation", "test"] * 2
    splits = own_split(parts, items, labels, seed=0)
    assert {name: part.tolist() for name, part in splits.indices.items()} == {
        "train": [0, 3],
        "validation": [1, 4],
        "test": [2, 5],
    }
    assert not splits.notes


@given(st.lists(st.integers(1, 6), min_size=2, max_size=8), st.integers(0, 99))
def test_a_missing_test_part_comes_from_validation_and_never_from_training(
    counts: list[int], seed: int
) -> None:
    items, labels = labelled([n + 2 for n in counts])
    parts: list[SplitName | None] = []
    for n in counts:
        parts += ["train"] * 2
        parts += ["validation"] * n
    splits = own_split(parts, items, labels, seed=seed)
    assert splits.indices["train"].tolist() == [i for i, part in enumerate(parts) if part == "train"]
    rest = np.concatenate([splits.indices["validation"], splits.indices["test"]])
    assert sorted(rest.tolist()) == [i for i, part in enumerate(parts) if part == "validation"]
    assert len(splits.indices["validation"])
    assert len(splits.indices["test"])
    assert "no test part" in splits.notes[0]
