"""What the layouts find in a user's folder: files, identities and a split of their own, before any decoding."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeft_core.data.images import EXTENSIONS
from edgeft_core.errors import DataError

SplitName = Literal["train", "validation", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("train", "validation", "test")
SPLIT_FOLDERS: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True)
class FaceFile:
    """One image below the root; paths are relative and use ``/``.

    Attributes:
        path: the (high-resolution) image, as the file system spells it.
        identity: whose face it is.
        split: the part it belongs to where the data set brings its own split.
        low_res: its low-resolution twin, where there is one.
    """

    path: str
    identity: str
    split: SplitName | None = None
    low_res: str | None = None


@dataclass(frozen=True)
class Listing:
    """Every image of a data set, in the order of its path."""

    root: Path
    files: tuple[FaceFile, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def readable(name: str) -> str:
    """A file name as text that can be shown and stored; bytes that are no UTF-8 appear as ``\\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def find_root(source: str) -> Path:
    """The folder that a user named.

    Raises:
        DataError: it does not exist (with the nearest names beside it), is a file, or may not be read.
    """
    root = Path(source.strip().strip("\"'")).expanduser()
    try:
        if root.is_dir():
            with os.scandir(root) as entries:
                next(entries, None)  # may it be read?
            return root
        if root.exists():
            raise DataError(f"{root} is a file; data.source needs the folder that holds the images.")
    except OSError as error:
        raise DataError(f"The folder {root} cannot be read ({error.strerror or error}).") from error
    raise DataError(f"There is no folder {root}.{_nearest(root)}")


def _nearest(missing: Path) -> str:
    parent = missing.parent
    if not parent.is_dir():
        return f"{_nearest_parent(parent)} Check data.source."
    beside = [entry.name for entry in visible(parent) if entry.is_dir()]
    near = difflib.get_close_matches(missing.name, beside, n=3, cutoff=0.5)
    if difflib.get_close_matches(missing.name, ["synthetic"], cutoff=0.7):
        near.insert(0, "synthetic")
    places = [name if name == "synthetic" else str(parent / name) for name in near]
    return (
        f" Did you mean {' or '.join(readable(place) for place in places)}?"
        if places
        else " Check data.source."
    )


def _nearest_parent(path: Path) -> str:
    existing = next((parent for parent in path.parents if parent.is_dir()), None)
    return f" The nearest folder that exists is {existing}." if existing else ""


def visible(folder: Path) -> list[os.DirEntry[str]]:
    """Entries that are not hidden, by name.

    Raises:
        DataError: the folder may not be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not is_hidden(e.name)), key=lambda e: readable(e.name))
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be read ({error.strerror or error}).") from error


def is_hidden(name: str) -> bool:
    """Files that systems leave behind: ``.DS_Store``, ``._face.png``, ``@eaDir``, ``Thumbs.db``."""
    return name.startswith((".", "@")) or name in {"Thumbs.db", "desktop.ini", "__MACOSX"}


def is_image(name: str) -> bool:
    return Path(name).suffix.lower() in EXTENSIONS


def walk(folder: Path, prefix: str) -> Iterator[str]:
    """Every visible file below the folder as ``prefix/...``; links to folders inside are not followed."""
    for entry in visible(folder):
        path = f"{prefix}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path), path)
        elif entry.is_file():
            yield path
