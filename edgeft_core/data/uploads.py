"""Files that somebody sends: bounded, and unpacked without trusting a single name or number in them.

What a zip says about itself (sizes, names, kinds) is checked before anything is written; what comes out is counted
while it is written, since a zip may lie.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from edgeft_core.data.images import EXTENSIONS
from edgeft_core.errors import DataError, WeightsError

_BLOCK_BYTES = 1 << 20
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, KeyError),
)
"""What Python's zipfile raises over bytes that are no sound zip."""


@dataclass(frozen=True)
class Limits:
    """How much an upload may be.

    Attributes:
        ratio: unpacked over packed size of the whole zip; pictures hardly shrink, bombs do.
        depth: folders above a picture.
    """

    packed_bytes: int = 256 * 1024**2
    unpacked_bytes: int = 2 * 1024**3
    files: int = 200_000
    ratio: float = 30.0
    depth: int = 4
    name_length: int = 120


LIMITS = Limits()


@dataclass(frozen=True)
class KeptDataset:
    """Where an upload lies; so many pictures were kept and so many other files left out."""

    folder: Path
    files: int
    left_out: int


def keep_dataset(uploads: Path, name: str, file: IO[bytes], limits: Limits = LIMITS) -> KeptDataset:
    """Unpack the pictures of a zip into a folder of their own below ``uploads``; the same zip is unpacked once.

    Raises:
        DataError: it is no zip, too large, packed too tightly, has a name that leads out of its folder or a link, or
            holds no picture.
    """
    digest, size = _digest(file)
    if size > limits.packed_bytes:
        raise DataError(
            f"{name} is larger than {limits.packed_bytes // 1024**2} MB; put its folder on this machine."
        )
    folder = uploads / f"{safe_name(Path(name).stem)}-{digest[:12]}"
    try:
        with zipfile.ZipFile(file) as archive:
            pictures, left_out = _checked(name, archive, size, limits)
            if not folder.exists():
                _unpack(name, archive, pictures, folder, limits)
    except _BROKEN as error:
        raise DataError(f"{name} cannot be unpacked ({error}); zip the folder of faces again.") from error
    except OSError as error:
        raise DataError(f"{name} cannot be kept in {uploads} ({error.strerror or error}).") from error
    return KeptDataset(_people_in(folder), len(pictures), left_out)


def keep_weights(uploads: Path, name: str, file: IO[bytes], limits: Limits = LIMITS) -> Path:
    """Keep a weight file below ``uploads``; what is in it is checked where weights are read, never here.

    Raises:
        WeightsError: it is too large, empty, or cannot be written.
    """
    digest, size = _digest(file)
    if not 0 < size <= limits.packed_bytes:
        raise WeightsError(
            f"{name} is empty or larger than {limits.packed_bytes // 1024**2} MB; put it on this machine and give "
            "its path."
        )
    path = uploads / f"{digest[:12]}-{safe_name(name)}"
    try:
        uploads.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            unfinished = path.with_name(path.name + ".unfinished")
            with unfinished.open("wb") as target:
                shutil.copyfileobj(file, target, _BLOCK_BYTES)
            unfinished.replace(path)
    except OSError as error:
        raise WeightsError(f"{name} cannot be kept in {uploads} ({error.strerror or error}).") from error
    return path


def safe_name(name: str) -> str:
    """The last part of a name with nothing in it but letters, digits, dots, dashes and underscores."""
    last = re.split(r"[\\/]", name)[-1]
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", last).strip("._")
    return kept[-80:] or "upload"


def _checked(
    name: str, archive: zipfile.ZipFile, packed: int, limits: Limits
) -> tuple[list[tuple[zipfile.ZipInfo, PurePosixPath]], int]:
    """The pictures with the places where they go, and how many other files there are."""
    entries = [one for one in archive.infolist() if not one.is_dir()]
    if len(entries) > limits.files:
        raise DataError(f"{name} holds {len(entries)} files; at most {limits.files} can be uploaded.")
    unpacked = sum(one.file_size for one in entries)
    if unpacked > limits.unpacked_bytes or unpacked > limits.ratio * max(packed, _BLOCK_BYTES):
        raise DataError(
            f"{name} would unpack to {unpacked / 1024**2:.0f} MB from {packed / 1024**2:.0f} MB; that is no zip of "
            f"pictures, or more than the {limits.unpacked_bytes // 1024**2} MB that can be uploaded."
        )
    pictures = []
    for entry in entries:
        place = _place(name, entry, limits)
        if place.suffix.lower() in EXTENSIONS and not _is_hidden(place):
            pictures.append((entry, place))
    if not pictures:
        raise DataError(f"{name} holds no picture; zip a folder that has one folder per person.")
    return pictures, len(entries) - len(pictures)


def _place(name: str, entry: zipfile.ZipInfo, limits: Limits) -> PurePosixPath:
    """Where an entry belongs below the folder."""
    said = entry.orig_filename
    parts = said.split("/")
    strange = any(sign in said for sign in ("\\", "\0", ":"))
    if strange or any(part in {"", ".", ".."} for part in parts):
        raise DataError(
            f"{name} holds a file named {said!r}, which leads out of its folder; nothing was unpacked."
        )
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
        raise DataError(f"{name} holds {said!r}, which is a link or a device; nothing was unpacked.")
    if entry.flag_bits & 1:
        raise DataError(f"{name} is locked with a password; zip it without.")
    if len(parts) - 1 > limits.depth or any(len(one.encode("utf-8")) > limits.name_length for one in parts):
        raise DataError(f"{name} holds {said[:80]!r}, whose name is too long or too deep in folders.")
    return PurePosixPath(*parts)


def _people_in(folder: Path) -> Path:
    """The folder that holds the people: zips often hold one folder around everything."""
    inside = list(folder.iterdir())
    while len(inside) == 1 and inside[0].is_dir() and all(one.is_dir() for one in inside[0].iterdir()):
        folder = inside[0]
        inside = list(folder.iterdir())
    return folder


def _is_hidden(place: PurePosixPath) -> bool:
    """What macOS and others leave in zips beside the pictures."""
    return any(part.startswith(".") or part == "__MACOSX" for part in place.parts)


def _unpack(
    name: str,
    archive: zipfile.ZipFile,
    pictures: list[tuple[zipfile.ZipInfo, PurePosixPath]],
    folder: Path,
    limits: Limits,
) -> None:
    """All of the pictures or none: they are written beside and renamed at the end."""
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    left = limits.unpacked_bytes
    try:
        for entry, place in pictures:
            target = unfinished / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, target.open("xb") as file:
                for block in _blocks(source):
                    left -= len(block)
                    if left < 0:
                        raise DataError(f"{name} unpacks to more than it says; nothing was kept.")
                    file.write(block)
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _digest(file: IO[bytes]) -> tuple[str, int]:
    """SHA-256 and length; the file is at its beginning afterwards."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    for block in _blocks(file):
        digest.update(block)
        size += len(block)
    file.seek(0)
    return digest.hexdigest(), size


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        yield block
