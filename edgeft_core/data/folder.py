"""The layout "a folder per identity", with or without train/val/test folders above it."""

from __future__ import annotations

from pathlib import Path

from edgeft_core.data.listing import (
    SPLIT_FOLDERS,
    FaceFile,
    Listing,
    SplitName,
    is_image,
    readable,
    visible,
    walk,
)
from edgeft_core.errors import DataError


def list_folder(root: Path, low_res_px: int) -> Listing:
    """All images of ``root/<identity>/...`` or ``root/<train|val|test>/<identity>/...``.

    Images may lie deeper than their identity's folder. Hidden files and files of other types are left out
    and counted.

    Raises:
        DataError: there is no image, or images lie in no identity's folder.
    """
    parts = split_folders(root)
    files: list[FaceFile] = []
    others = 0
    strays = 0
    for prefix, split in parts.items() if parts else [("", None)]:
        folder = root / prefix if prefix else root
        for entry in visible(folder):
            path = f"{prefix}/{entry.name}" if prefix else entry.name
            if not entry.is_dir():
                strays += is_image(entry.name)
                others += not is_image(entry.name)
                continue
            for found in walk(folder / entry.name, path):
                if is_image(found):
                    files.append(FaceFile(found, readable(entry.name), split))
                else:
                    others += 1
    if not files:
        raise DataError(_nothing_found(root, strays, others))
    return Listing(root, tuple(files), notes=_notes(low_res_px, others, strays))


def split_folders(root: Path) -> dict[str, SplitName]:
    """Folder name -> part, where ``root`` holds a split: a training folder and at least one to score on."""
    folders = [entry.name for entry in visible(root) if entry.is_dir()]
    parts = {name: SPLIT_FOLDERS[name.lower()] for name in folders if name.lower() in SPLIT_FOLDERS}
    names = set(parts.values())
    return parts if "train" in names and len(names) > 1 and len(parts) == len(folders) else {}


def _notes(low_res_px: int, others: int, strays: int) -> tuple[str, ...]:
    notes = [
        f"Low-resolution images ({low_res_px} px) are made from the files by antialiased bicubic reduction."
    ]
    if others:
        notes.append(f"{others} file(s) that are not images were left out.")
    if strays:
        notes.append(f"{strays} image(s) outside any identity's folder were left out.")
    return tuple(notes)


def _nothing_found(root: Path, strays: int, others: int) -> str:
    if strays:
        return (
            f"{root} holds {strays} images but no folder per identity: "
            f"put each person's images into a folder of their own."
        )
    seen = f" ({others} files of other types)" if others else ""
    return (
        f"No image was found below {root}{seen}: "
        "it needs a folder per identity with png, jpg, webp, bmp or pgm files."
    )
