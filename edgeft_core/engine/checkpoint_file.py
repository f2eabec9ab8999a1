"""Checkpoint files: whole or not there at all, and readable without trusting them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import zipfile
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


def write(path: Path, payload: bytes) -> SavedFile:
    """Write beside, sync, rename: a crash or a full disk leaves the old file as it was.

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
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)
    return SavedFile(path, hashlib.sha256(payload).hexdigest(), len(payload))


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
