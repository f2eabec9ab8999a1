"""Checkpoint files: whole or not there at all, and readable without trusting them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from edgeft_core.errors import WeightsError

FORMAT = 1
"""Raised when older files can no longer be read as they are."""


@dataclass(frozen=True)
class SavedFile:
    path: Path
    sha256: str
    size_bytes: int


def serialise(content: dict[str, Any]) -> bytes:
    """Tensors and plain values as torch writes them; loads with ``weights_only=True``."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **content}, buffer)
    return buffer.getvalue()


@dataclass(frozen=True)
class Beside:
    """A synced file that lies beside its place, not yet under its name."""

    path: Path
    temporary: Path
    payload: bytes

    def rename(self) -> SavedFile:
        """Give it its name, in place of what has it now. Raises OSError as ``written_beside``."""
        self.temporary.replace(self.path)
        _sync_folder(self.path.parent)
        return SavedFile(self.path, hashlib.sha256(self.payload).hexdigest(), len(self.payload))


@contextlib.contextmanager
def written_beside(path: Path, payload: bytes) -> Iterator[Beside]:
    """Write beside and sync; what nobody renames within the block is gone after it.

    Raises:
        OSError: the disk refused.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        yield Beside(path, temporary, payload)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write(path: Path, payload: bytes) -> SavedFile:
    """Write beside, sync, rename: a crash or a full disk leaves the old file as it was.

    Raises:
        OSError: the disk refused.
    """
    with written_beside(path, payload) as beside:
        return beside.rename()


def read(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU.

    Raises:
        WeightsError: it is missing, damaged, no checkpoint, or of another format.
    """
    try:
        _check(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"There is no checkpoint {path}.") from None
    except Exception as error:
        raise WeightsError(
            f"The checkpoint {path} cannot be read ({error}); use another checkpoint of the run."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise WeightsError(
            f"{path} is no checkpoint of format {FORMAT} (found {found!r}); use one that this version wrote."
        )
    return content


def _check(path: Path) -> None:
    """Compare every byte with the checksums that the file carries; torch itself does not look at them.

    Raises:
        ValueError, zipfile.BadZipFile: it is damaged.
    """
    with zipfile.ZipFile(path) as file:
        if (damaged := file.testzip()) is not None:
            raise ValueError(f"the checksum of {damaged} in it is wrong: it is damaged")


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable where the system can open folders (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
