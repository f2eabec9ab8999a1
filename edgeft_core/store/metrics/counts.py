"""Class counts as bytes: the classes of one batch in order, and sparse counts of a bucket.

A batch keeps its class ids (uint16, or uint32 above 65 536 classes), since a window of images may cut through it.
A bucket keeps ``(id, count)`` pairs: a collapsed model's bucket is a few bytes, a healthy one's at most one pair per
class, and nothing grows with the number of classes alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Pairs = tuple[IntArray, IntArray]
"""Class ids and a count for each; an id may come several times until ``add_up``."""


def id_type(n_classes: int) -> np.dtype[np.unsignedinteger]:
    """The smallest type that holds every class id."""
    return np.dtype("<u2") if n_classes <= 1 << 16 else np.dtype("<u4")


def pack_ids(ids_B: npt.NDArray[np.integer], n_classes: int) -> bytes:
    """One batch's classes, in the order of its images."""
    return np.asarray(ids_B).astype(id_type(n_classes)).tobytes()


def unpack_ids(blob: bytes, n_classes: int) -> IntArray:
    """Inverse of ``pack_ids``; several batches may be joined."""
    return np.frombuffer(blob, id_type(n_classes)).astype(np.int64)


def each_once(ids: npt.NDArray[np.integer]) -> Pairs:
    """One for every prediction; sorting waits until a bucket closes."""
    return np.asarray(ids, np.int64), np.ones(len(ids), np.int64)


def add_up(parts: Sequence[Pairs]) -> Pairs:
    """The sum of one or more counts, by ascending class."""
    classes, where = np.unique(np.concatenate([ids for ids, _ in parts]), return_inverse=True)
    amounts = np.concatenate([counts for _, counts in parts])
    total = np.zeros(len(classes), np.int64)
    np.add.at(total, where, amounts)
    return classes, total


def pack_pairs(pairs: Pairs, n_classes: int) -> bytes:
    """One byte for the size of a count, then all ids, then all counts."""
    ids, counts = pairs
    largest = int(counts.max(initial=0))
    size = next(size for size in (1, 2, 4, 8) if largest < 1 << (8 * size))
    return bytes([size]) + pack_ids(ids, n_classes) + counts.astype(f"<u{size}").tobytes()


def unpack_pairs(blob: bytes, n_classes: int) -> Pairs:
    """Inverse of ``pack_pairs``."""
    size, id_size = blob[0], id_type(n_classes).itemsize
    n = (len(blob) - 1) // (size + id_size)
    ids = unpack_ids(blob[1 : 1 + n * id_size], n_classes)
    return ids, np.frombuffer(blob[1 + n * id_size :], f"<u{size}").astype(np.int64)
