"""The layout of paired faces: ``train|val|test/hr_images`` beside ``vlr_images_16x16``, ``_24x24``, ``_32x32``."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from edgeft_core.data.listing import SPLIT_FOLDERS, FaceFile, Listing, SplitName, is_image, readable, visible
from edgeft_core.errors import DataError

HIGH_RES = "hr_images"


def low_res_folder(px: int) -> str:
    """Name of the folder that holds the ``px`` twins."""
    return f"vlr_images_{px}x{px}"


def identity_of(file_name: str) -> str:
    """The identity in a file name: everything before the first ``_``, or the whole name without its ending."""
    stem = PurePosixPath(file_name).stem
    return readable(stem.split("_", 1)[0] or stem)


def is_paired(root: Path) -> bool:
    """Whether high-resolution images lie directly in ``root`` or in one of its parts."""
    return bool(_parts(root))


def list_pairs(root: Path, low_res_px: int) -> Listing:
    """All high-resolution images with their twins of ``low_res_px``, where they exist.

    Raises:
        DataError: there is no high-resolution image.
    """
    parts = _parts(root)
    splits = set(parts.values())
    keeps_split = "train" in splits and len(splits) > 1
    files: list[FaceFile] = []
    others = orphans = 0
    for prefix, split in parts.items():
        high, foreign = _images(root, f"{prefix}{HIGH_RES}")
        low, _ = _images(root, f"{prefix}{low_res_folder(low_res_px)}")
        others += foreign
        twins = _Twins(low)
        for name, path in high.items():
            files.append(FaceFile(path, identity_of(name), split if keeps_split else None, twins.of(name)))
        orphans += twins.left()
    if not files:
        raise DataError(f"No image was found in any {HIGH_RES} folder below {root}.")
    return Listing(root, tuple(files), notes=_notes(files, low_res_px, others, orphans))


def _parts(root: Path) -> dict[str, SplitName | None]:
    """Path prefix of every part that has high-resolution images."""
    if (root / HIGH_RES).is_dir():
        return {"": None}
    return {
        f"{entry.name}/": SPLIT_FOLDERS[entry.name.lower()]
        for entry in visible(root)
        if entry.name.lower() in SPLIT_FOLDERS and (Path(entry.path) / HIGH_RES).is_dir()
    }


def _images(root: Path, folder: str) -> tuple[dict[str, str], int]:
    """File name -> relative path of every image in the folder, and how many other files lie there."""
    if not (root / folder).is_dir():
        return {}, 0
    files = [entry.name for entry in visible(root / folder) if entry.is_file()]
    images = {name: f"{folder}/{name}" for name in files if is_image(name)}
    return images, len(files) - len(images)


class _Twins:
    """Finds low-resolution images by name, else by name without ending (a png beside a jpg)."""

    def __init__(self, images: dict[str, str]) -> None:
        self._by_name = images
        self._by_stem = {PurePosixPath(name).stem: path for name, path in images.items()}
        self._taken: set[str] = set()

    def of(self, name: str) -> str | None:
        path = self._by_name.get(name) or self._by_stem.get(PurePosixPath(name).stem)
        if path is not None:
            self._taken.add(path)
        return path

    def left(self) -> int:
        return len(self._by_name) - len(self._taken)


def _notes(files: list[FaceFile], low_res_px: int, others: int, orphans: int) -> tuple[str, ...]:
    notes = []
    missing = sum(file.low_res is None for file in files)
    if missing:
        notes.append(
            f"{missing} of {len(files)} low-resolution images ({low_res_px} px) are missing and are made "
            "from the high-resolution ones by antialiased bicubic reduction."
        )
    if others:
        notes.append(f"{others} file(s) that are not images were left out.")
    if orphans:
        notes.append(f"{orphans} low-resolution image(s) without a high-resolution one were left out.")
    return tuple(notes)
