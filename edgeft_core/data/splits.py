"""Who is trained on, who is scored: splits that every identity takes part in.

Which images go where depends on the seed and on each image's name alone, not on the order in which the
file system lists them, nor on the other identities: adding a person moves nobody else's images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeft_core.data.listing import SPLIT_NAMES, SplitName

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Splits:
    """Index arrays by part, sorted, without overlap; and what the user should know about them."""

    indices: dict[SplitName, IntArray]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def shares(images: int, validation_fraction: float, test_fraction: float) -> tuple[int, int, int]:
    """How many of one identity's images train, validate and test.

    From three images on each part has at least one; two images train and validate, one trains. Where the
    fractions leave nothing to train on, the larger part gives way.
    """
    if images < 3:
        return min(images, 1), images // 2, 0
    validation = max(1, int(images * validation_fraction + 0.5))
    test = max(1, int(images * test_fraction + 0.5))
    while validation + test >= images:
        if validation >= test:
            validation -= 1
        else:
            test -= 1
    return images - validation - test, validation, test


def stratified(
    items: Sequence[str],
    labels_N: IntArray,
    *,
    seed: int,
    validation_fraction: float,
    test_fraction: float,
) -> Splits:
    """Split every identity's images by itself."""
    chosen: dict[SplitName, list[int]] = {name: [] for name in SPLIT_NAMES}
    singles = pairs = 0
    for members in _by_identity(labels_N):
        order = shuffled(members, items, seed)
        train, validation, _ = shares(len(order), validation_fraction, test_fraction)
        chosen["train"] += order[:train]
        chosen["validation"] += order[train : train + validation]
        chosen["test"] += order[train + validation :]
        singles += len(order) == 1
        pairs += len(order) == 2
    warnings = []
    if singles:
        warnings.append(
            f"{singles} identities have a single image: it trains, and nothing is left to score them."
        )
    if pairs:
        warnings.append(
            f"{pairs} identities have two images: one trains, one validates, none is left to test."
        )
    return Splits(_arrays(chosen), tuple(warnings))


def own_split(
    parts: Sequence[SplitName | None], items: Sequence[str], labels_N: IntArray, *, seed: int
) -> Splits:
    """Keep the split that the data came with; give it the part that it lacks.

    Where there is no test part (or no validation part), half of each identity's images of the other become
    it: never training images, which a score must not have seen. An identity with a single image to score
    sends it to one part or the other.
    """
    named = np.array([part or "" for part in parts])
    indices = {name: np.flatnonzero(named == name).astype(np.int64) for name in SPLIT_NAMES}
    swaps: tuple[tuple[SplitName, SplitName], ...] = (("test", "validation"), ("validation", "test"))
    for lacking, giver in swaps:
        if not len(indices[lacking]) and len(indices[giver]):
            return _with_part(indices, lacking, giver, items=items, labels_N=labels_N, seed=seed)
    return Splits(indices, warnings=_unscored(indices, labels_N))


def _with_part(
    indices: dict[SplitName, IntArray],
    lacking: SplitName,
    giver: SplitName,
    *,
    items: Sequence[str],
    labels_N: IntArray,
    seed: int,
) -> Splits:
    kept: list[int] = []
    taken: list[int] = []
    for members in _by_identity(labels_N[indices[giver]]):
        order = shuffled(indices[giver][members], items, seed)
        half = len(order) // 2 if len(order) > 1 else _rank(items[order[0]], seed)[0] % 2
        taken += order[:half]
        kept += order[half:]
    if not kept or not taken:  # one image each: never leave a part empty
        both = sorted(kept + taken)
        kept, taken = both[: (len(both) + 1) // 2], both[(len(both) + 1) // 2 :]
    done: dict[SplitName, list[int]] = {"train": indices["train"].tolist(), giver: kept, lacking: taken}
    note = f"The data set has no {lacking} part: {len(taken)} of its {len(kept) + len(taken)} {giver} images became it."
    arrays = _arrays(done)
    return Splits(arrays, warnings=_unscored(arrays, labels_N), notes=(note,))


def _unscored(indices: dict[SplitName, IntArray], labels_N: IntArray) -> tuple[str, ...]:
    scored = set(labels_N[np.concatenate([indices["validation"], indices["test"]])].tolist())
    missing = len(set(labels_N[indices["train"]].tolist()) - scored)
    return (f"{missing} identities are trained on but have no image to be scored on.",) if missing else ()


def shuffled(members: IntArray, items: Sequence[str], seed: int) -> list[int]:
    """Members in an order that depends on the seed and their names only."""
    return sorted(members.tolist(), key=lambda index: _rank(items[index], seed))


def _rank(item: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{item}".encode(), digest_size=16).digest()


def _by_identity(labels_N: IntArray) -> list[IntArray]:
    """Positions of each label's images, ascending."""
    order = np.argsort(labels_N, kind="stable")
    starts = np.flatnonzero(np.diff(labels_N[order])) + 1
    return [part for part in np.split(order, starts) if len(part)]


def _arrays(parts: dict[SplitName, list[int]]) -> dict[SplitName, IntArray]:
    return {name: np.array(sorted(parts[name]), dtype=np.int64) for name in SPLIT_NAMES}
