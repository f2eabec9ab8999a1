"""What the writer holds in memory does not grow with the run."""

from __future__ import annotations

import numpy as np

from edgeft_core.store.metrics import counts
from edgeft_core.store.metrics.contents import ClassCounts
from edgeft_core.store.metrics.pyramid import Pyramid


def one_batch(step: int) -> ClassCounts:
    ids_B = np.arange(8) % 5 + step % 3
    return ClassCounts(step, (counts.each_once(ids_B),), (counts.each_once(ids_B),))


def test_open_buckets_stay_small_however_many_steps_they_hold() -> None:
    stored: list[tuple[int, int]] = []
    pyramid: Pyramid[ClassCounts] = Pyramid(3, lambda level, bucket, _: stored.append((level, bucket)))
    for step in range(20_000):
        pyramid.add(step, one_batch(step))
    held = [pairs for _, content in pyramid._open.values() for pairs in content.predicted]
    assert len(held) <= 63 + 3 * 5, (
        "at most the batches of the finest bucket and three children of each other level"
    )
    assert max(len(ids) for ids, _ in held) <= 8
    levels = {level: sum(one == level for one, _ in stored) for level, _ in stored}
    assert levels == {3: 312, 4: 78, 5: 19, 6: 4, 7: 1}


def test_a_closed_bucket_counts_every_prediction_inside() -> None:
    totals: dict[tuple[int, int], int] = {}

    def store(level: int, bucket: int, content: ClassCounts) -> None:
        ((_, amounts),) = content.predicted
        totals[level, bucket] = int(amounts.sum())

    pyramid: Pyramid[ClassCounts] = Pyramid(3, store)
    for step in range(4**5):
        pyramid.add(step, one_batch(step))
    assert totals == {(level, b): 8 * 4**level for level in (3, 4, 5) for b in range(4 ** (5 - level))}
