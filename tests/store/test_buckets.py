"""Arithmetic of roll-ups, against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgeft_core.store.metrics.buckets import (
    address,
    bucket_of,
    column_shift,
    cover,
    is_last_of_bucket,
    level_for,
)

STEPS = st.integers(0, 5_000)


@given(first=STEPS, length=STEPS, level=st.integers(0, 6), lowest=st.integers(1, 3))
def test_a_cover_holds_every_step_of_the_range_once_and_in_order(
    first: int, length: int, level: int, lowest: int
) -> None:
    last = first + length
    steps: list[int] = []
    for run in cover(first, last, level, lowest):
        assert run.level == 0 or lowest <= run.level <= level
        span = 4**run.level
        steps += range(run.begin * span, run.end * span)
    assert steps == list(range(first, last + 1))


@given(first=st.integers(0, 10**9), length=st.integers(0, 10**7))
def test_a_cover_is_short_whatever_the_range(first: int, length: int) -> None:
    runs = list(cover(first, first + length, 20, 1))
    assert len(runs) <= 2 * 13 + 1
    for run in runs:
        assert run.level == 20 or run.end - run.begin <= 6


def test_a_cover_of_an_empty_range_is_empty() -> None:
    assert list(cover(5, 4, 3, 1)) == []


@given(first=STEPS, length=STEPS, columns=st.integers(1, 300))
def test_columns_are_as_narrow_as_their_number_allows(first: int, length: int, columns: int) -> None:
    last = first + length

    def count(shift: int) -> int:
        return len(
            {step >> shift for step in (first, last)} | set(range(first >> shift, (last >> shift) + 1))
        )

    shift = column_shift(first, last, columns)
    assert count(shift) <= columns or shift > 13
    assert shift == 0 or count(shift - 1) > columns


@given(shift=st.integers(0, 60), lowest=st.integers(1, 3))
def test_whole_columns_are_one_or_two_buckets_of_their_level(shift: int, lowest: int) -> None:
    level = level_for(shift, lowest)
    assert level == 0 or lowest <= level <= 20
    if lowest <= shift // 2 <= 20:
        assert 2**shift in (4**level, 2 * 4**level)


@given(step=STEPS, level=st.integers(0, 8))
def test_a_bucket_ends_with_its_last_step(step: int, level: int) -> None:
    assert is_last_of_bucket(step, level) == (bucket_of(step + 1, level) == bucket_of(step, level) + 1)


def test_addresses_keep_levels_apart() -> None:
    assert (
        address(0, 2**48 - 1) < address(1, 0) < address(1, 1) < address(2, 0) < address(20, 2**48 - 1) < 2**63
    )
