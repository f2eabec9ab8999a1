"""The layout "a folder per identity", with or without train/val/test folders above it."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    finds = _Finds()
    parts = split_folders(root)
    for name, split in parts.items():
        finds.look_into(root / name, f"{name}/", split)
    if parts:
        finds.beside = [one.name for one in visible(root) if one.is_dir() and one.name not in parts]
    else:
        finds.look_into(root, "", None)
    if not finds.files:
        raise DataError(finds.nothing(root))
    return Listing(root, tuple(finds.files), notes=finds.notes(low_res_px))


def split_folders(root: Path) -> dict[str, SplitName]:
    """Folder name -> part, where ``root`` holds a split: a training folder and at least one to score on.

    They hold folders and no images; a person who is called ``test`` has images.
    """
    parts = {
        entry.name: SPLIT_FOLDERS[entry.name.lower()]
        for entry in visible(root)
        if entry.is_dir() and entry.name.lower() in SPLIT_FOLDERS and _holds_folders_only(Path(entry.path))
    }
    names = set(parts.values())
    return parts if "train" in names and len(names) > 1 else {}


def _holds_folders_only(folder: Path) -> bool:
    entries = visible(folder)
    return any(one.is_dir() for one in entries) and not any(
        is_image(one.name) for one in entries if not one.is_dir()
    )


@dataclass
class _Finds:
    """What has been found so far, and what was left out."""

    files: list[FaceFile] = field(default_factory=list)
    others: int = 0
    strays: int = 0
    deeper: int = 0
    beside: list[str] = field(default_factory=list)

    def look_into(self, folder: Path, prefix: str, split: SplitName | None) -> None:
        """Take every folder in ``folder`` as an identity."""
        for entry in visible(folder):
            if entry.is_dir():
                self._identity(Path(entry.path), f"{prefix}{entry.name}", split)
            elif is_image(entry.name):
                self.strays += 1
            else:
                self.others += 1

    def _identity(self, folder: Path, path: str, split: SplitName | None) -> None:
        for found in walk(folder, path):
            if is_image(found):
                self.files.append(FaceFile(found, readable(folder.name), split))
                self.deeper += "/" in found.removeprefix(f"{path}/")
            else:
                self.others += 1

    def notes(self, low_res_px: int) -> tuple[str, ...]:
        made = f"Low-resolution images ({low_res_px} px) are made from the files by antialiased bicubic reduction."
        others = f"{self.others} file(s) that are not images were left out." if self.others else ""
        strays = f"{self.strays} image(s) outside any identity's folder were left out." if self.strays else ""
        deeper = (
            f"{self.deeper} image(s) lie in folders inside an identity's folder and count as that identity."
            if self.deeper
            else ""
        )
        names = ", ".join(readable(name) for name in self.beside)
        beside = f"Folders beside the training and test parts were left out: {names}." if names else ""
        return tuple(note for note in (made, others, strays, deeper, beside) if note)

    def nothing(self, root: Path) -> str:
        if self.strays:
            return (
                f"{root} holds {self.strays} images but no folder per identity: "
                f"put each person's images into a folder of their own."
            )
        seen = f" ({self.others} files of other types)" if self.others else ""
        return (
            f"No image was found below {root}{seen}: "
            "it needs a folder per identity with png, jpg, webp, bmp or pgm files."
        )
