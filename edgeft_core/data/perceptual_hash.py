"""Which images show the same picture? A difference hash proposes pairs, small thumbnails confirm them.

Krawetz 2013, "Kind of Like That" (dHash). It is thirty lines of numpy here because the pixels are at hand as one
array: a library would decode the files again, one by one, and its hash objects compare pair by pair.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgeft_core.data.images import Pixels

Floats = NDArray[np.float32]

FLAT_STD = 2.0
"""Of 255 grey levels. A face, even a dark and blurred one, varies by more than 10; JPEG noise on a flat picture by
about 1."""

BITS_APART = 6
"""Of 64. Scaling, compression and a slight change of brightness flip up to about four bits of a difference hash; pairs
within this distance are looked at again."""

SAME_PICTURE_CORRELATION = 0.992
"""Of two thumbnails. Measured on the AT&T faces (one camera, aligned, grey): different people reach 0.88, two shots of
one person taken moments apart 0.987; the same picture saved again as JPEG of quality 50 stays above 0.997, reduced
to 64 px and enlarged above 0.999."""

HASH_CELLS = 8
THUMBNAIL_PX = 32
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_CLEARLY = 0.25  # grey levels; below, rounding would decide what a flat area hashes to
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Fingerprints:
    """What N images look like from afar.

    Attributes:
        signs_N64: difference hash as -1 and 1, so that a product counts equal bits.
        thumbnails_NP: 32 x 32 grey pixels, mean removed, length 1; zero for a flat image.
        std_N: standard deviation of the thumbnail's grey levels (0..255).
        low, high: 1st and 99th percentile of the grey levels of all thumbnails.
    """

    signs_N64: NDArray[np.int8]
    thumbnails_NP: Floats
    std_N: Floats
    low: float
    high: float

    def __len__(self) -> int:
        return len(self.std_N)

    def distinct(self) -> int:
        """How many different hashes there are."""
        packed = np.packbits(self.signs_N64 > 0, axis=1)
        return len(np.unique(packed, axis=0))


def fingerprints(chunks: Iterable[Pixels]) -> Fingerprints:
    """Look at images (n, H, W, 3) uint8, chunk by chunk."""
    small = [thumbnails(pixels_nHW3) for pixels_nHW3 in chunks]
    grey_NTT = np.concatenate(small) if small else np.zeros((0, THUMBNAIL_PX, THUMBNAIL_PX), np.float32)
    low, high = np.percentile(grey_NTT, [1, 99]) if grey_NTT.size else (0.0, 255.0)
    flat_NP = grey_NTT.reshape(-1, THUMBNAIL_PX**2)
    return Fingerprints(
        signs_N64=_signs(grey_NTT),
        thumbnails_NP=_unit(flat_NP),
        std_N=flat_NP.std(axis=1),
        low=float(low),
        high=float(high),
    )


def thumbnails(pixels_nHW3: Pixels) -> Floats:
    """Grey pictures of 32 x 32 px, each pixel the mean over its area, shape (n, 32, 32), 0..255."""
    n, height, width, _ = pixels_nHW3.shape
    # Luma and columns in one product of two matrices: a grey picture of full size would be three times as much to
    # move, and a product per image would have the threads wait for each other.
    columns = np.kron(_areas(THUMBNAIL_PX, width), _LUMA).T
    narrow = pixels_nHW3.reshape(n * height, width * 3).astype(np.float32) @ columns
    turned = narrow.reshape(n, height, THUMBNAIL_PX).swapaxes(1, 2).reshape(-1, height)
    small: Floats = (turned @ _areas(THUMBNAIL_PX, height).T).reshape(n, THUMBNAIL_PX, THUMBNAIL_PX)
    return small.swapaxes(1, 2)


def same_pictures(prints: Fingerprints, *, at_most: int) -> NDArray[np.int64]:
    """Pairs (M, 2), first < second, of images that show the same picture; flat images are left out.

    Args:
        at_most: stop after so many pairs.
    """
    places = np.flatnonzero(np.abs(prints.thumbnails_NP).max(axis=1, initial=0.0) > 0)
    signs = prints.signs_N64[places].astype(np.float32)
    equal_bits = signs.shape[1] - 2 * BITS_APART  # of a product of signs
    found: list[NDArray[np.int64]] = []
    total = 0
    for start in range(0, len(places), _ROWS_AT_ONCE):
        block = signs[start : start + _ROWS_AT_ONCE] @ signs[start:].T
        first, second = np.nonzero(np.triu(block >= equal_bits, k=1))
        for part in np.array_split(np.stack([first, second], axis=1) + start, max(1, len(first) // 50_000)):
            left, right = (prints.thumbnails_NP[places[part[:, side]]] for side in (0, 1))
            same = np.einsum("mp,mp->m", left, right) >= SAME_PICTURE_CORRELATION
            found.append(places[part[same]])
            total += int(same.sum())
            if total >= at_most:
                return np.concatenate(found)[:at_most]
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def _signs(grey_NTT: Floats) -> NDArray[np.int8]:
    """Whether each of 8 x 8 cells is brighter than its right neighbour, as -1 and 1, shape (N, 64)."""
    rows, columns = _areas(HASH_CELLS, THUMBNAIL_PX), _areas(HASH_CELLS + 1, THUMBNAIL_PX)
    cells = rows @ (grey_NTT @ columns.T)
    brighter = cells[:, :, 1:] > cells[:, :, :-1] + _CLEARLY
    return np.where(brighter, 1, -1).astype(np.int8).reshape(-1, HASH_CELLS**2)


@lru_cache(maxsize=16)
def _areas(cells: int, px: int) -> Floats:
    """Share of each pixel in the mean of each cell, shape (cells, px); rows sum to 1."""
    edges = np.linspace(0.0, px, cells + 1)
    start = np.arange(px)
    overlap = np.minimum(edges[1:, None], start + 1) - np.maximum(edges[:-1, None], start)
    weights = np.clip(overlap, 0.0, None)
    shares: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _unit(small_NP: Floats) -> Floats:
    centred = small_NP - small_NP.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    flat = length < THUMBNAIL_PX * 0.5  # standard deviation below half a grey level
    unit: Floats = np.where(flat, 0.0, centred / np.maximum(length, 1e-6)).astype(np.float32)
    return unit
