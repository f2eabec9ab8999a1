"""Embeddings kept with a run, one file per set, replaced as a whole. Plain numpy, never pickle.

Embeddings and class weights are stored as float16 differences from their mean: embeddings that all point one way
differ by less than float16 resolves near 1, and those differences are what is looked at.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeft_core.errors import HomeError
from edgeft_core.events import EmbeddingsTaken, FloatArray, SampleSet
from edgeft_core.store.faults import told_plainly

FORMAT = 1
SETS: tuple[SampleSet, ...] = ("train", "validation", "test")


def embeddings_file(folder: Path, split: SampleSet) -> Path:
    """Where a run's folder holds a set."""
    return folder / "embeddings" / f"{split}.npz"


def write_embeddings(folder: Path, taken: EmbeddingsTaken) -> None:
    """Replace what is kept of a set.

    Raises:
        DiskFullError, HomeError: the disk refused; the old file is still there.
    """
    path = embeddings_file(folder, taken.split)
    with told_plainly("embeddings", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            temporary.write_bytes(pack(taken))
            with suppress(PermissionError):  # Windows, while somebody reads the old one: newer ones come
                temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def read_embeddings(folder: Path, split: SampleSet) -> EmbeddingsTaken | None:
    """What is kept of a set; None where there is nothing.

    Raises:
        HomeError: the file is damaged or of another format.
    """
    path = embeddings_file(folder, split)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeError(f"{path} cannot be read: {error.strerror or error}.") from error
    return unpack(content, path)


def forget_embeddings_after(folder: Path, step: int) -> None:
    """Remove what is later than ``step``: a run that goes on from a checkpoint records it again."""
    for split in SETS:
        with suppress(OSError, HomeError):
            taken = read_embeddings(folder, split)
            if taken is not None and taken.step > step:
                embeddings_file(folder, split).unlink()


def pack(taken: EmbeddingsTaken) -> bytes:
    """As the bytes of an ``.npz`` file."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {
        "facts": np.array([FORMAT, taken.step, taken.total], np.int64),
        "split": np.array(taken.split),
        "labels_N": taken.labels_N.astype(np.int64),
        "mean_D": taken.mean_D.astype(np.float32),
        **_differences("z", taken.z_ND),
        **_differences("w", taken.w_CD),
    }
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def unpack(content: bytes, path: Path) -> EmbeddingsTaken:
    """Inverse of :func:`pack`; ``path`` is named where it cannot be done. Raises HomeError."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        version, step, total = (int(one) for one in arrays["facts"])
        if version != FORMAT:
            raise HomeError(f"{path} has format {version}, this version reads {FORMAT}; update EdgeFT.")
        split: Any = str(arrays["split"])
        return EmbeddingsTaken(
            split, step, total, arrays["labels_N"], _whole("z", arrays), _whole("w", arrays), arrays["mean_D"]
        )
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, OSError) as error:
        raise HomeError(
            f"The kept embeddings {path} are damaged ({error}); delete the file, nothing else needs it."
        ) from error


def _differences(name: str, rows: FloatArray) -> dict[str, npt.NDArray[Any]]:
    with np.errstate(all="ignore"):  # what is not finite stays so, and is told where it is looked at
        mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        mean = np.where(np.isfinite(mean), mean, 0).astype(np.float32)
        return {f"{name}_mean": mean, f"{name}_difference": (rows - mean).astype(np.float16)}


def _whole(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> FloatArray:
    """Unit vectors again: rounding must not make a cosine of 1.0001."""
    rows = arrays[f"{name}_mean"] + arrays[f"{name}_difference"].astype(np.float32)
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        whole: FloatArray = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return whole
