"""A look at a data set before anything is trained: for the launch preview and the preflight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeft_core.data.dataset import FaceDataset
from edgeft_core.data.drawn import DrawnPeople
from edgeft_core.data.images import IntArray
from edgeft_core.data.listing import SPLIT_NAMES, SplitName

SAMPLES = 24
_SIZES_SHOWN = 5


@dataclass(frozen=True)
class Inspection:
    """What a data set holds (C identities).

    Attributes:
        class_names: by label.
        split_images: images per part.
        counts_C3: images per identity in training, validation and test.
        sizes: ``(width, height, images)`` of the most frequent sizes of files; empty for drawn people.
        other_sizes: how many further sizes there are.
        grey_images: files without any colour; None for drawn people.
        skipped: images that could not be used, with the reason.
        sample_indices: images to show, of identities spread evenly over all.
        to_draw: images that still have to be drawn before the first epoch ends.
        pixel_bytes: what all pixels take on disk.
    """

    class_names: tuple[str, ...]
    split_images: Mapping[SplitName, int]
    counts_C3: IntArray
    sizes: tuple[tuple[int, int, int], ...]
    other_sizes: int
    grey_images: int | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    sample_indices: IntArray
    to_draw: int
    pixel_bytes: int

    @property
    def identities(self) -> int:
        """C."""
        return len(self.class_names)

    @property
    def images(self) -> int:
        """Images that some part uses."""
        return sum(self.split_images.values())

    @property
    def images_per_identity_C(self) -> IntArray:
        """All parts together."""
        total: IntArray = self.counts_C3.sum(axis=1)
        return total


def inspect(dataset: FaceDataset) -> Inspection:
    """Count; reads no pixels."""
    sizes = _sizes(dataset)
    return Inspection(
        class_names=dataset.class_names,
        split_images={name: len(dataset.splits[name]) for name in SPLIT_NAMES},
        counts_C3=np.stack([dataset.label_counts(name) for name in SPLIT_NAMES], axis=1),
        sizes=tuple(sizes[:_SIZES_SHOWN]),
        other_sizes=max(0, len(sizes) - _SIZES_SHOWN),
        grey_images=None if dataset.origins is None else int(dataset.origins.grey_N.sum()),
        notes=dataset.notes,
        warnings=dataset.warnings,
        skipped=dataset.skipped,
        sample_indices=sample_indices(dataset, SAMPLES),
        to_draw=len(dataset.high.missing()) if isinstance(dataset.high, DrawnPeople) else 0,
        pixel_bytes=len(dataset) * dataset.image_px**2 * 3,
    )


def sample_indices(dataset: FaceDataset, n: int) -> IntArray:
    """At most n images, one each of identities spread evenly; with fewer identities, several of each."""
    order = np.argsort(dataset.labels_N, kind="stable")
    counts_C = np.bincount(dataset.labels_N, minlength=dataset.n_classes)
    first_C = np.concatenate([[0], np.cumsum(counts_C)[:-1]])
    people = np.unique(
        np.linspace(0, dataset.n_classes - 1, min(n, dataset.n_classes)).round().astype(np.int64)
    )
    chosen: list[int] = []
    for image in range(-(-n // len(people))):
        chosen += order[first_C[people[counts_C[people] > image]] + image].tolist()
    return np.array(chosen[:n], dtype=np.int64)


def _sizes(dataset: FaceDataset) -> list[tuple[int, int, int]]:
    if dataset.origins is None:
        return []
    counted = Counter(map(tuple, dataset.origins.sizes_N2.tolist()))
    return [(size[0], size[1], images) for size, images in counted.most_common()]
