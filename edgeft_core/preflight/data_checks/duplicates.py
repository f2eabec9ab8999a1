"""The same picture more than once: under one name, under two names, or on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgeft_core.data.images import IntArray
from edgeft_core.data.perceptual_hash import same_pictures
from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.subject import Subject
from edgeft_core.preflight.thresholds import (
    DUPLICATES_ACROSS_SHARE,
    DUPLICATES_WITHIN_SHARE,
    PAIRS_AT_MOST,
    SPLIT_OVERLAP_SHARE,
)


def duplicates(subject: Subject) -> Iterator[Finding | Passed]:
    """Near-duplicates by perceptual hash, of all images with each other."""
    pairs_M2 = same_pictures(subject.fingerprints, at_most=PAIRS_AT_MOST)
    rows_M2 = subject.rows_N[pairs_M2]
    labels_M2 = subject.data.labels_N[rows_M2]
    across_M = labels_M2[:, 0] != labels_M2[:, 1]
    found = [
        *_across(subject, rows_M2[across_M]),
        *_over_split(subject, rows_M2),
        *_within(subject, rows_M2[~across_M]),
    ]
    n = len(subject.rows_N)
    yield from found
    if not found:
        yield Passed("data.duplicates", f"No picture appears twice among {n} images.", {"images": n})


def _across(subject: Subject, rows_M2: IntArray) -> Iterator[Finding]:
    images = len(np.unique(rows_M2))
    if not images:
        return
    share = images / len(subject.rows_N)
    yield Finding(
        "data.duplicates_across",
        "warning" if share >= DUPLICATES_ACROSS_SHARE else "info",
        f"{_at_least(rows_M2)}{images} images ({share:.1%}) show a picture that also appears under another identity, "
        "so one of the two labels is wrong. Remove the copies under the wrong name.",
        cause="labels.shuffled",
        values={"images": images, "pairs": len(rows_M2), "share": share},
        examples=_named(subject, rows_M2),
    )


def _over_split(subject: Subject, rows_M2: IntArray) -> Iterator[Finding]:
    trained_N = _member(subject, "train")
    scored_N = _member(subject, "validation") | _member(subject, "test")
    over_M = (trained_N[rows_M2] & scored_N[rows_M2[:, ::-1]]).any(axis=1)
    copies = np.unique(rows_M2[over_M])
    images = int(scored_N[copies].sum())
    if not images:
        return
    share = images / max(1, int(scored_N[subject.rows_N].sum()))
    yield Finding(
        "data.split_overlap",
        "warning" if share >= SPLIT_OVERLAP_SHARE else "info",
        f"{_at_least(rows_M2)}{images} images to score ({share:.1%}) are also trained on: validation looks better "
        "than it is by up to as much. Remove the copies from one of the two parts.",
        values={"images": images, "share": share},
        examples=_named(subject, rows_M2[over_M]),
    )


def _within(subject: Subject, rows_M2: IntArray) -> Iterator[Finding]:
    copies = len(np.unique(rows_M2[:, 1]))
    if not copies:
        return
    share = copies / len(subject.rows_N)
    yield Finding(
        "data.duplicates_within",
        "warning" if share >= DUPLICATES_WITHIN_SHARE else "info",
        f"{_at_least(rows_M2)}{copies} images ({share:.1%}) repeat another one of the same identity: there is less "
        "to learn from than the counts say.",
        values={"images": copies, "share": share},
        examples=_named(subject, rows_M2),
    )


def _member(subject: Subject, split: str) -> NDArray[np.bool_]:
    member_N = np.zeros(len(subject.data), np.bool_)
    member_N[subject.data.splits[split]] = True  # type: ignore[index]
    return member_N


def _named(subject: Subject, rows_M2: IntArray) -> tuple[str, ...]:
    return tuple(" = ".join(subject.data.item_id(int(row)) for row in pair) for pair in rows_M2[:5])


def _at_least(rows_M2: IntArray) -> str:
    return "At least " if len(rows_M2) >= PAIRS_AT_MOST else ""
