"""Memory and looks are planned before anything is trained."""

from __future__ import annotations

import itertools

import pytest

from edgeft_core.errors import OutOfMemoryError
from edgeft_core.labs.sweep.plan import bytes_of_head, frame_steps, plan_blocks

MIB = 2**20


def test_as_many_heads_as_fit_are_trained_at_once() -> None:
    plan = plan_blocks(64, 4 * MIB, 1000 * MIB)
    assert (plan.heads_at_once, plan.blocks) == (64, 1)
    assert plan.bytes_needed == 256 * MIB


def test_too_many_heads_run_in_blocks_of_about_the_same_size() -> None:
    plan = plan_blocks(100, 10 * MIB, 1000 * MIB)
    assert plan.bytes_needed <= 600 * MIB
    assert [len(plan.block(number)) for number in range(plan.blocks)] == [50, 50]
    assert "2 blocks" in plan.sentence()


def test_every_head_is_in_one_block() -> None:
    plan = plan_blocks(23, MIB, 1000 * MIB, heads_at_once=7)
    assert [head for number in range(plan.blocks) for head in plan.block(number)] == list(range(23))


def test_where_no_head_fits_a_sentence_says_what_to_do() -> None:
    with pytest.raises(OutOfMemoryError, match="Close other programs"):
        plan_blocks(2, 1000 * MIB, 1000 * MIB)


def test_a_head_takes_its_weights_and_two_moments() -> None:
    each = bytes_of_head(518, 512, batch_size=32, window_images=1024, scratch=False)
    assert each == pytest.approx(3 * 4 * 518 * 512, rel=0.01)


def test_looks_are_dense_at_first_and_end_with_the_last_step() -> None:
    steps = frame_steps(1560, 40)
    assert steps[:4] == (0, 1, 2, 3)
    assert steps[-1] == 1560
    assert list(steps) == sorted(set(steps))
    assert 25 <= len(steps) <= 41
    gaps = [after / before for before, after in itertools.pairwise(steps[10:])]
    assert max(gaps) < 1.4
    assert frame_steps(1, 40) == (0, 1)
    assert frame_steps(3, 40) == (0, 1, 2, 3)
