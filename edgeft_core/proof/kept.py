"""Proofs in a run's folder, one file per cause, and how far the one in progress is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeft_core.proof.record import Proof

FOLDER = "proofs"
PROGRESS_FILE = "progress.json"


def read_proof(folder: Path, cause: str) -> Proof | None:
    """The last proof of a cause's fix; None where there is none or it cannot be read."""
    return _proof(folder / FOLDER / _name(cause))


def read_proofs(folder: Path) -> dict[str, Proof]:
    """All proofs of a run by cause."""
    paths = sorted((folder / FOLDER).glob("*.proof.json")) if (folder / FOLDER).is_dir() else []
    return {proof.cause: proof for path in paths if (proof := _proof(path)) is not None}


def write_proof(folder: Path, proof: Proof) -> None:
    """Replace the cause's file in one step. Raises OSError where the disk refuses or the run is gone."""
    _write(folder, _name(proof.cause), proof.as_dict())


def read_progress(folder: Path) -> Mapping[str, Any]:
    """How far the proof in progress is, as :mod:`edgeft_core.jobs.proving` wrote it."""
    return _read(folder / FOLDER / PROGRESS_FILE)


def write_progress(folder: Path, progress: Mapping[str, Any]) -> None:
    """Replace the file in one step. Raises OSError where the disk refuses or the run is gone."""
    _write(folder, PROGRESS_FILE, progress)


def _name(cause: str) -> str:
    return f"{re.sub(r'[^a-z0-9_.]', '_', cause.lower())}.proof.json"


def _proof(path: Path) -> Proof | None:
    try:
        return Proof.from_dict(_read(path))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _write(folder: Path, name: str, data: Mapping[str, Any]) -> None:
    if not folder.is_dir():  # a run that was deleted does not come back
        raise FileNotFoundError(f"There is no folder {folder}.")
    path = folder / FOLDER / name
    path.parent.mkdir(exist_ok=True)
    beside = path.with_name(f"{name}.{os.getpid()}.part")
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1)
    beside.write_text(f"{text}\n", encoding="utf-8")
    beside.replace(path)
