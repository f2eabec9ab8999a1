"""Vectors of scalars as bytes: float32 per key, in an order that only grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]

FLOAT = np.dtype("<f4")
_NAN = np.array([np.nan], FLOAT).tobytes()


class KeyOrder:
    """Which position belongs to which key; new keys are appended, none ever moves."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._positions = {key: position for position, key in enumerate(keys)}
        self._last: tuple[str, ...] = ()
        self._last_positions = np.zeros(0, np.intp)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._positions)

    def vector(self, scalars: Mapping[str, float]) -> Vector:
        """The values at their keys' positions, NaN elsewhere."""
        names = tuple(scalars)
        if names != self._last:
            for name in names:
                self._positions.setdefault(name, len(self._positions))
            self._last = names
            self._last_positions = np.array([self._positions[name] for name in names], np.intp)
        vector = np.full(len(self._positions), np.nan, FLOAT)
        with np.errstate(over="ignore"):  # what float32 cannot hold is shown as infinite
            vector[self._last_positions] = np.fromiter(scalars.values(), np.float64, len(names))
        return vector


def lengthened(vector: Vector, width: int) -> Vector:
    """The vector with NaN for keys that came later."""
    if len(vector) >= width:
        return vector
    longer = np.full(width, np.nan, FLOAT)
    longer[: len(vector)] = vector
    return longer


def matrix(blobs: Sequence[bytes], width: int) -> Vector:
    """Stored vectors as rows (N, width); shorter ones are filled with NaN."""
    size = width * FLOAT.itemsize
    if any(len(blob) != size for blob in blobs):
        blobs = [(blob + _NAN * (width - len(blob) // FLOAT.itemsize))[:size] for blob in blobs]
    return np.frombuffer(b"".join(blobs), FLOAT).reshape(len(blobs), width)
