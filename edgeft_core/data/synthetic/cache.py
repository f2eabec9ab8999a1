"""Pictures drawn on demand and kept on disk, shared by every process that looks at them."""

from __future__ import annotations

import logging
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeft_core.data.synthetic.portrait import GENERATOR_VERSION, draw_faces

_LOG = logging.getLogger(__name__)
_BLOCK = 32


class SyntheticCache:
    """The pictures of `identities` people, `images_per_identity` each, numbered identity * images_per_identity + index.

    On disk: one file of fixed size, all pixels first, then one 32-bit mark per picture. A mark is the checksum of the
    picture's pixels (never 0) and is written after them, so a picture counts as present only when it is whole: a
    process killed in between, or a second writer, leaves nothing that is taken for a picture. Two writers of one
    picture write the same bytes. Settings and generator version are in the file's name; a file of another size is
    emptied. Where the folder cannot be written, pictures are drawn in memory and the log says so once.
    """

    def __init__(
        self, folder: Path, *, identities: int, images_per_identity: int, seed: int = 0, px: int = 112
    ) -> None:
        if identities < 1 or images_per_identity < 1:
            raise ValueError("a synthetic data set needs at least one identity and one image per identity")
        self.identities = identities
        self.images_per_identity = images_per_identity
        self.seed = seed
        self.px = px
        self.path = (
            folder / f"faces_v{GENERATOR_VERSION}_s{seed}_{identities}x{images_per_identity}_{px}px.bin"
        )
        self._count = identities * images_per_identity
        self._picture_bytes = px * px * 3
        self._file: int | None = None
        self._writable = False
        self._in_memory: dict[int, NDArray[np.uint8]] = {}
        self._warned = False
        self._open()

    def __len__(self) -> int:
        return self._count

    def __del__(self) -> None:
        self.close()

    @property
    def fingerprint(self) -> str:
        """The pictures' settings and the generator's version."""
        return self.path.stem

    def close(self) -> None:
        """Give the file back. The cache stays usable: it draws in memory from then on."""
        file, self._file, self._writable = getattr(self, "_file", None), None, False
        if file is not None:
            os.close(file)

    def read(self, positions: NDArray[np.integer]) -> NDArray[np.uint8]:
        """The pictures at these positions, uint8 (N, px, px, 3); draws what is missing and keeps it.

        Raises IndexError for a position outside 0 .. len(self) - 1.
        """
        wanted = np.asarray(positions, dtype=np.int64).reshape(-1)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= self._count):
            raise IndexError(f"positions must lie in 0..{self._count - 1}")
        images = np.empty((wanted.size, self.px, self.px, 3), np.uint8)
        absent = [
            row for row, position in enumerate(wanted.tolist()) if not self._load(position, images[row])
        ]
        for start in range(0, len(absent), _BLOCK):
            rows = np.asarray(absent[start : start + _BLOCK])
            drawn = self._draw(wanted[rows])
            images[rows] = drawn
            for position, picture in zip(wanted[rows].tolist(), drawn, strict=True):
                self._keep(position, picture)
        return images

    def missing(self) -> NDArray[np.int64]:
        """Positions that are not drawn yet, ascending."""
        present = self._marks() != 0
        if self._in_memory:
            present[list(self._in_memory)] = True
        return np.flatnonzero(~present).astype(np.int64)

    def drawn_count(self) -> int:
        """How many pictures are there already."""
        return self._count - int(self.missing().size)

    def _draw(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        people, shots = np.divmod(positions, self.images_per_identity)
        return draw_faces(people, shots, seed=self.seed, px=self.px)

    # --- the file -------------------------------------------------------------------------------------------------

    def _file_bytes(self) -> int:
        return self._count * (self._picture_bytes + 4)

    def _open(self) -> None:
        """Open the file of all processes, made or set back to empty first where its size is wrong.

        Every process works on the same file, whoever made it; should two of them set it back at once, marks are lost
        and those pictures are drawn again, nothing worse.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            size = os.fstat(self._file).st_size
            if size not in (0, self._file_bytes()):
                os.ftruncate(self._file, 0)
            if size != self._file_bytes():
                os.ftruncate(self._file, self._file_bytes())
            self._writable = True
        except OSError as error:
            self.close()
            self._warn(error)
            self._open_read_only()

    def _open_read_only(self) -> None:
        try:
            if self.path.stat().st_size == self._file_bytes():
                self._file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError:
            self._file = None

    def _marks(self) -> NDArray[np.uint32]:
        raw = b"" if self._file is None else self._read_at(self._count * self._picture_bytes, self._count * 4)
        if len(raw) != self._count * 4:
            return np.zeros(self._count, np.uint32)
        return np.frombuffer(raw, "<u4").astype(np.uint32)

    def _load(self, position: int, target: NDArray[np.uint8]) -> bool:
        """Copy a picture that is present and whole into target (px, px, 3); say whether there was one."""
        held = self._in_memory.get(position)
        if held is not None:
            target[...] = held
            return True
        if self._file is None:
            return False
        mark = self._read_at(self._count * self._picture_bytes + position * 4, 4)
        if mark in (b"", b"\0\0\0\0"):
            return False
        raw = self._read_at(position * self._picture_bytes, self._picture_bytes)
        if len(raw) != self._picture_bytes or _mark(raw) != mark:
            return False
        target[...] = np.frombuffer(raw, np.uint8).reshape(self.px, self.px, 3)
        return True

    def _keep(self, position: int, picture: NDArray[np.uint8]) -> None:
        if self._writable:
            raw = picture.tobytes()
            try:
                self._write_at(position * self._picture_bytes, raw)
                self._write_at(self._count * self._picture_bytes + position * 4, _mark(raw))
            except OSError as error:
                self._writable = False
                self._warn(error)
            else:
                return
        self._in_memory[position] = picture.copy()

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "Synthetic pictures cannot be kept in %s (%s): they are drawn in memory, anew for every run. "
                "Free some space or choose a folder that can be written.",
                self.path.parent,
                error.strerror or error,
            )

    def _read_at(self, offset: int, size: int) -> bytes:
        assert self._file is not None
        if hasattr(os, "pread"):
            return os.pread(self._file, size, offset)
        os.lseek(self._file, offset, os.SEEK_SET)
        return os.read(self._file, size)

    def _write_at(self, offset: int, raw: bytes) -> None:
        assert self._file is not None
        if hasattr(os, "pwrite"):
            written = os.pwrite(self._file, raw, offset)
        else:
            os.lseek(self._file, offset, os.SEEK_SET)
            written = os.write(self._file, raw)
        if written != len(raw):
            raise OSError("the disk is full")


def _mark(raw: bytes) -> bytes:
    """Checksum of a picture as 4 bytes, never all zero."""
    return (zlib.crc32(raw) or 1).to_bytes(4, "little")
