"""Files decoded once, before training: later reads, epochs and processes only copy pixels.

Decoding up front costs seconds once, finds every broken file before the first step, and needs no memory for
pixels beyond what the system keeps mapped. ``benchmarks/data_loading.py`` measures it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from edgeft_core.data.image_cache import DecodedState, FileFacts, FileKey, ImageCache
from edgeft_core.data.images import IntArray, Pixels, UnreadableImageError, decode
from edgeft_core.data.listing import readable
from edgeft_core.errors import DataError

Progress = Callable[[str, int, int], None]
_CHUNK = 64


class DecodedImages:
    """Faces of a folder by position. Picklable; each process maps the pixels for itself.

    Attributes:
        facts: per file, also of those that cannot be read.
        warning: why pixels could not be kept, if so; every read then decodes its files again.
    """

    def __init__(self, root: Path, paths: Sequence[str], px: int, facts: Sequence[FileFacts]) -> None:
        self.px = px
        self.facts = tuple(facts)
        self.warning = ""
        self._root = root
        self._paths = tuple(paths)
        self._state: DecodedState | None = None
        self._map: Pixels | None = None

    @classmethod
    def kept(cls, root: Path, state: DecodedState, px: int) -> DecodedImages:
        """Images whose pixels lie in the cache."""
        images = cls(root, [key.path for key in state.keys], px, state.facts)
        images._state = state
        return images

    @property
    def fingerprint(self) -> str:
        """Folder and state in the cache, which name path, size and time of change of every file."""
        if self._state is None:
            return ""
        state = self._state.pixels.parent
        return f"{state.parent.name}/{state.name}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_map": None}

    def read(self, positions: IntArray) -> Pixels:
        """Pixels (N, px, px, 3) uint8.

        Raises:
            DataError: the pixels are not kept, and a file that could be read before no longer can.
        """
        if self._map is None and self._state is not None:
            try:
                self._map = self._state.map(self.px)
            except (OSError, ValueError):
                self._state = None  # the cache was cleared meanwhile: decode from here on
        if self._map is not None:
            return np.array(self._map[positions])
        return self._decoded(positions)

    def _decoded(self, positions: IntArray) -> Pixels:
        faces = np.empty((len(positions), self.px, self.px, 3), dtype=np.uint8)
        for place, position in enumerate(positions):
            path = self._root / self._paths[position]
            try:
                faces[place] = decode(path, self.px).pixels
            except UnreadableImageError as error:
                shown = readable(str(path))
                raise DataError(
                    f"{shown} could be read when the run began and no longer can: {error}."
                ) from error
        return faces


def decoded_images(
    root: Path, paths: Sequence[str], px: int, *, cache: Path, what: str, progress: Progress | None = None
) -> DecodedImages:
    """Decode every file once, or find it decoded.

    Only files that changed since the last time are decoded again. Where the cache cannot be written, files
    are only checked, and ``warning`` of the result says so.
    """
    keys = [_key(root, path) for path in paths]
    shelf = ImageCache(cache, root, px)
    files = _Decoder(root, px, what, progress)
    state = shelf.load(keys)
    if state is not None and files.can_read_more(state):
        shelf.forget(state)
        state = None
    if state is None:
        try:
            state = shelf.store(keys, files.decode)
        except OSError as error:
            images = DecodedImages(root, paths, px, [facts for facts, _ in files.decode(keys)])
            images.warning = (
                f"Decoded images cannot be kept ({error.strerror or error}): each read decodes its file again, "
                "which slows training down."
            )
            return images
    return DecodedImages.kept(root, state, px)


def _key(root: Path, path: str) -> FileKey:
    try:
        facts = (root / path).stat()
    except OSError:
        return FileKey(path, -1, -1)
    return FileKey(path, facts.st_size, facts.st_mtime_ns)


class _Decoder:
    """Decodes many files in threads (Pillow works outside Python's lock) and tells how far it is."""

    def __init__(self, root: Path, px: int, what: str, progress: Progress | None) -> None:
        self._root, self._px, self._what = root, px, what
        self._progress = progress

    def decode(self, keys: Sequence[FileKey]) -> Generator[tuple[FileFacts, Pixels]]:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            for start in range(0, len(keys), _CHUNK):
                outcomes = list(pool.map(self._one, keys[start : start + _CHUNK]))
                if self._progress is not None:
                    self._progress(self._what, start + len(outcomes), len(keys))
                yield from outcomes

    def can_read_more(self, state: DecodedState) -> bool:
        """Whether a file that could not be read the last time now can: a share was away, rights have changed."""
        broken = [key for key, facts in zip(state.keys, state.facts, strict=True) if facts.reason]
        return any(not self._one(key)[0].reason for key in broken)

    def _one(self, key: FileKey) -> tuple[FileFacts, Pixels]:
        try:
            picture = decode(self._root / key.path, self._px)
        except UnreadableImageError as error:
            return FileFacts(0, 0, False, str(error)), np.zeros((self._px, self._px, 3), dtype=np.uint8)
        return FileFacts(picture.width, picture.height, picture.grey), picture.pixels
