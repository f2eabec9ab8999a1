"""The state of a sweep on disk: whole or not there at all, and no second copy of it in memory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import torch

from edgeft_core.errors import WeightsError

FORMAT = 1
NAME = "sweep_state.pt"


def write_state(folder: Path, content: dict[str, Any]) -> None:
    """Write beside, sync, rename.

    Raises:
        OSError: the disk refused; an earlier state stays.
    """
    path = folder / NAME
    temporary = path.with_name(f"{NAME}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save({"format": FORMAT, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, RuntimeError):  # torch's writer says in its own words that the disk is full
            raise OSError(str(error).split("\n", maxsplit=1)[0]) from error
        raise


def read_state(folder: Path) -> dict[str, Any] | None:
    """The state to go on from, on the CPU; None where none was written.

    Raises:
        WeightsError: it is damaged or of another version.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"The state {path} cannot be read ({error}); start the sweep anew.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise WeightsError(f"{path} is no state of a sweep that this version wrote; start the sweep anew.")
    return content


def remove_state(folder: Path) -> None:
    """A finished sweep needs its table only."""
    with contextlib.suppress(OSError):
        (folder / NAME).unlink(missing_ok=True)
