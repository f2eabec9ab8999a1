"""FaceDataset: who is in the data, which image belongs to whom and to which split, and its pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgeft_core.data.images import IntArray, Pixels, shrink
from edgeft_core.data.listing import SplitName
from edgeft_core.errors import DataError


class PixelSource(Protocol):
    """Where pixels come from: drawn people or decoded files. Picklable."""

    @property
    def fingerprint(self) -> str:
        """Names the pixels for caches: equal fingerprints mean equal pixels. Empty where they cannot be named."""
        ...

    def read(self, positions: IntArray) -> Pixels:
        """(N, px, px, 3) uint8."""
        ...


@dataclass(frozen=True)
class Origins:
    """What the files held before they became squares (N images).

    Attributes:
        sizes_N2: width and height.
        grey_N: images without any colour.
    """

    sizes_N2: NDArray[np.int32]
    grey_N: NDArray[np.bool_]


@dataclass(frozen=True)
class FaceDataset:
    """Faces with labels and splits; an image is known by its index, or for good by its item id.

    Attributes:
        class_names: name of each label, sorted; its position is the label.
        items: per image, the id under which runs and pages name it (a path, or ``person_0007/03``).
        labels_N: label of each image.
        splits: sorted indices of each part, without overlap. An image may belong to no part.
        image_px, low_res_px: edges of what :meth:`read_hr` and :meth:`read_lr` return.
        notes: what was done to the data without asking, for the run's log.
        warnings: what the user should mend or know; stays with the run.
        skipped: images that could not be used, with the reason.
        origins: what the files held; None for drawn people.
    """

    class_names: tuple[str, ...]
    items: tuple[str, ...]
    labels_N: IntArray
    splits: dict[SplitName, IntArray]
    image_px: int
    low_res_px: int
    high: PixelSource
    high_rows_N: IntArray
    low: PixelSource | None = None
    low_rows_N: IntArray | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    origins: Origins | None = field(default=None, repr=False)

    @property
    def n_classes(self) -> int:
        """Number of identities, C."""
        return len(self.class_names)

    def __len__(self) -> int:
        return len(self.items)

    def item_id(self, index: int) -> str:
        """The name for good of an image."""
        return self.items[index]

    def index_of(self, item_id: str) -> int:
        """The index of an item.

        Raises:
            DataError: the data set holds no such item (any more).
        """
        try:
            return self._index_by_item[item_id]
        except KeyError:
            raise DataError(
                f"The data set has no image {item_id!r}; its folder may have changed since."
            ) from None

    @cached_property
    def _index_by_item(self) -> dict[str, int]:
        return {item: index for index, item in enumerate(self.items)}

    def label_counts(self, split: SplitName) -> IntArray:
        """Images of each class in a split, shape (C,)."""
        return np.bincount(self.labels_N[self.splits[split]], minlength=self.n_classes).astype(np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """Names all pixels and their order for caches, empty where a source cannot name its own."""
        sources = [self.high] if self.low is None else [self.high, self.low]
        if not all(source.fingerprint for source in sources):
            return ""
        digest = hashlib.sha256(repr([self.low_res_px, *(source.fingerprint for source in sources)]).encode())
        for rows in (self.high_rows_N, self.low_rows_N):
            digest.update(b"" if rows is None else rows.astype(np.int64).tobytes())
        return digest.hexdigest()

    def read_hr(self, indices: IntArray | Sequence[int]) -> Pixels:
        """High-resolution faces (N, image_px, image_px, 3) uint8.

        Raises:
            DataError: a file that could be read before no longer can.
        """
        return self.high.read(self.high_rows_N[_integers(indices)])

    def read_lr(self, indices: IntArray | Sequence[int]) -> Pixels:
        """Low-resolution faces (N, low_res_px, low_res_px, 3) uint8; made from the others where none exist.

        Raises:
            DataError: a file that could be read before no longer can.
        """
        chosen = _integers(indices)
        if self.low is None or self.low_rows_N is None:
            return shrink(self.read_hr(chosen), self.low_res_px)
        rows = self.low_rows_N[chosen]
        faces = np.empty((len(chosen), self.low_res_px, self.low_res_px, 3), dtype=np.uint8)
        found = rows >= 0
        if found.any():
            faces[found] = self.low.read(rows[found])
        if not found.all():
            faces[~found] = shrink(self.read_hr(chosen[~found]), self.low_res_px)
        return faces

    def read_pair(self, indices: IntArray | Sequence[int]) -> tuple[Pixels, Pixels]:
        """High- and low-resolution faces of the same images, reading each file once."""
        chosen = _integers(indices)
        high = self.read_hr(chosen)
        return high, shrink(high, self.low_res_px) if self.low is None else self.read_lr(chosen)


def _integers(indices: IntArray | Sequence[int]) -> IntArray:
    return np.asarray(indices, dtype=np.int64).reshape(-1)
