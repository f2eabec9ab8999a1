"""Decoded images on disk: one uint8 memory map and a manifest per state of a folder.

Layout: ``<cache>/images/<folder>/<state>/{pixels.u8, files.json}``. A state is named by path, size and time of
change of every file, so a changed folder gets a new one. It is written beside and renamed: readers see a
complete state or none, and two processes that decode the same folder at once do not meet.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeft_core.data.images import Pixels

DECODER_VERSION = 2  # raise when the same file would come out with other pixels
_STATES_KEPT = 2
_ABANDONED_S = 24 * 3600.0
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class FileKey:
    """What a file is recognised by; size and time are -1 where it cannot even be looked at."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What decoding a file once has told: its picture's size and colour, or why it cannot be read."""

    width: int
    height: int
    grey: bool
    reason: str = ""


@dataclass(frozen=True)
class DecodedState:
    """A complete state on disk: ``pixels`` is (F, px, px, 3) uint8, zeros for unreadable files."""

    pixels: Path
    keys: tuple[FileKey, ...]
    facts: tuple[FileFacts, ...]

    def map(self, px: int) -> Pixels:
        """Map the pixels, read-only.

        Raises:
            OSError, ValueError: the file is gone or too short.
        """
        return np.memmap(self.pixels, dtype=np.uint8, mode="r", shape=(len(self.keys), px, px, 3))


Decode = Callable[[Sequence[FileKey]], Generator[tuple[FileFacts, Pixels]]]


class ImageCache:
    """The decoded states of one folder of images at one size."""

    def __init__(self, cache: Path, root: Path, px: int) -> None:
        self.px = px
        self._shelf = cache / "images" / _digest([str(root.resolve()), px, DECODER_VERSION])

    def load(self, keys: Sequence[FileKey]) -> DecodedState | None:
        """The state of exactly these files, if it is there and whole."""
        return self._read(self._shelf / _digest([_row(key) for key in keys]))

    def store(self, keys: Sequence[FileKey], decode: Decode) -> DecodedState:
        """Decode what no earlier state holds and keep everything.

        Raises:
            OSError: the cache cannot be written, or is too small.
        """
        final = self._shelf / _digest([_row(key) for key in keys])
        beside = final.with_name(f"{final.name}.{os.getpid()}.partial")
        try:
            beside.mkdir(parents=True, exist_ok=True)
            self._require_space(len(keys))
            facts = self._write(beside, keys, decode)
            self._publish(beside, final)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        self._forget_old(final)
        return DecodedState(final / "pixels.u8", tuple(keys), tuple(facts))

    def forget(self, state: DecodedState) -> None:
        """Drop a state, so that its files are decoded anew."""
        shutil.rmtree(state.pixels.parent, ignore_errors=True)

    def _write(self, folder: Path, keys: Sequence[FileKey], decode: Decode) -> list[FileFacts]:
        known = _Known(self._latest(), self.px)
        fresh = decode([key for key in keys if key not in known])
        facts: list[FileFacts] = []
        with (folder / "pixels.u8").open(
            "wb"
        ) as out:  # written, not mapped: a full disk is an error, not a crash
            for key in keys:
                one, pixels = known.get(key) or next(fresh)
                facts.append(one)
                out.write(pixels.tobytes())
        known.close()
        rows = [
            [*_row(key), one.width, one.height, one.grey, one.reason]
            for key, one in zip(keys, facts, strict=True)
        ]
        (folder / "files.json").write_text(json.dumps(rows), encoding="utf-8")
        return facts

    def _require_space(self, files: int) -> None:
        needed = files * self.px * self.px * 3 + _SPARE_BYTES
        free = shutil.disk_usage(self._shelf).free
        if free < needed:
            raise OSError(
                errno.ENOSPC,
                f"{needed / 2**20:.0f} MB are needed on the disk of {self._shelf}, {free / 2**20:.0f} are free",
            )

    def _publish(self, beside: Path, final: Path) -> None:
        try:
            beside.rename(final)
        except OSError:
            if self._read(final) is not None:
                return  # another process was faster
            shutil.rmtree(final, ignore_errors=True)
            beside.rename(final)

    def _read(self, folder: Path) -> DecodedState | None:
        try:
            rows = json.loads((folder / "files.json").read_text(encoding="utf-8"))
            whole = (folder / "pixels.u8").stat().st_size == len(rows) * self.px * self.px * 3
            keys = tuple(FileKey(*row[:3]) for row in rows)
            facts = tuple(FileFacts(*row[3:]) for row in rows)
        except (OSError, ValueError, TypeError):
            return None
        return DecodedState(folder / "pixels.u8", keys, facts) if whole else None

    def _states(self) -> list[Path]:
        """Complete states, newest first."""
        found = []
        for folder in self._shelf.iterdir() if self._shelf.is_dir() else ():
            with contextlib.suppress(OSError):
                if folder.suffix != ".partial":
                    found.append((folder.stat().st_mtime_ns, folder))
        return [folder for _, folder in sorted(found, reverse=True)]

    def _latest(self) -> DecodedState | None:
        return next((state for folder in self._states() if (state := self._read(folder))), None)

    def _forget_old(self, current: Path) -> None:
        """Keep the newest states (a run may still read the one before) and drop what a killed process left."""
        for folder in [one for one in self._states() if one != current][_STATES_KEPT - 1 :]:
            shutil.rmtree(folder, ignore_errors=True)
        for folder in self._shelf.glob("*.partial"):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > _ABANDONED_S:
                    shutil.rmtree(folder, ignore_errors=True)


class _Known:
    """Files that an earlier state has decoded already."""

    def __init__(self, state: DecodedState | None, px: int) -> None:
        self._facts: dict[FileKey, tuple[int, FileFacts]] = {}
        self._map: Pixels | None = None
        if state is not None and state.keys:
            self._map = state.map(px)
            pairs = zip(state.keys, state.facts, strict=True)
            self._facts = {key: (row, one) for row, (key, one) in enumerate(pairs) if not one.reason}

    def __contains__(self, key: FileKey) -> bool:
        return key in self._facts

    def get(self, key: FileKey) -> tuple[FileFacts, Pixels] | None:
        found = self._facts.get(key)
        return None if found is None or self._map is None else (found[1], self._map[found[0]])

    def close(self) -> None:
        self._map = None


def _row(key: FileKey) -> list[str | int]:
    return [key.path, key.size, key.mtime_ns]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:20]
