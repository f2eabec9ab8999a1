"""Drawn people as a source of pixels that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeft_core.data.images import IntArray, Pixels
from edgeft_core.data.synthetic import SyntheticCache


@dataclass
class DrawnPeople:
    """Draws what is asked for, when it is asked for, and keeps it in ``folder``.

    The cache holds an open file, which no other process can use: each opens its own at its first read.
    """

    folder: Path
    identities: int
    images_per_identity: int
    seed: int
    px: int
    _cache: SyntheticCache | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": None}

    @property
    def fingerprint(self) -> str:
        """The pictures' settings and the generator's version."""
        return self._opened().fingerprint

    def read(self, positions: IntArray) -> Pixels:
        """Faces (N, px, px, 3) uint8 at ``identity * images_per_identity + image``."""
        return self._opened().read(positions)

    def missing(self) -> IntArray:
        """Positions that are not drawn yet, ascending."""
        return self._opened().missing()

    def _opened(self) -> SyntheticCache:
        if self._cache is None:
            self._cache = SyntheticCache(
                self.folder,
                identities=self.identities,
                images_per_identity=self.images_per_identity,
                seed=self.seed,
                px=self.px,
            )
        return self._cache
