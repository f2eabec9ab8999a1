"""Read a weight file of any usual format; no code in it is ever run."""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from edgeft_core.errors import WeightsError
from edgeft_core.models.weights.torchscript import is_torchscript, read_torchscript
from edgeft_core.models.weights.wrapping import unwrap

FileFormat = Literal["safetensors", "torch", "TorchScript"]
ZIP_MAGIC = b"PK\x03\x04"
PICKLE_MAGIC = b"\x80"  # torch files from before 1.6


@dataclass(frozen=True)
class WeightFile:
    """What a file holds, before it is compared with any network.

    Attributes:
        tensors: by the name that the file gives them.
        entries: keys that led to the state dict, outermost first (``("checkpoint", "state_dict")``).
    """

    path: Path
    file_format: FileFormat
    size_bytes: int
    sha256: str
    entries: tuple[str, ...]
    tensors: dict[str, Tensor]


def read_weight_file(path: Path) -> WeightFile:
    """Read tensors from safetensors, a torch file or a TorchScript archive; the content decides, not the suffix.

    Torch files are read with ``weights_only=True``; of a TorchScript archive only the tensors are read
    (:mod:`edgeft_core.models.weights.torchscript`).

    Raises:
        WeightsError: no such file, truncated, holding code or no tensors; says which and how to mend it.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(64)
            stream.seek(0)
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size_bytes = path.stat().st_size
    except OSError as error:
        raise WeightsError(f"The weight file {path} cannot be read ({error.strerror or error}).") from error
    if not start:
        raise WeightsError(f"The weight file {path} is empty; fetch it again.")
    try:
        file_format, loaded = _load(path, start)
    except WeightsError:
        raise
    except Exception as error:  # what parsers of untrusted bytes raise is nobody's promise
        raise WeightsError(_damaged(path, error)) from error
    try:
        tensors, entries = unwrap(loaded)
    except WeightsError as error:
        raise WeightsError(f"The weight file {path} {error}") from error
    return WeightFile(path, file_format, size_bytes, sha256, entries, tensors)


def _load(path: Path, start: bytes) -> tuple[FileFormat, object]:
    if start[8:9] == b"{":  # safetensors: 8 bytes of header length, then JSON
        return "safetensors", _load_safetensors(path)
    if not start.startswith((ZIP_MAGIC, PICKLE_MAGIC)):
        raise WeightsError(f"{path} is not a weight file: {_guess(start)}.")
    if start.startswith(ZIP_MAGIC):
        _check_archive(path)
    if is_torchscript(path):
        return "TorchScript", read_torchscript(path)
    return "torch", _load_torch(path)


def _guess(start: bytes) -> str:
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer to one; run 'git lfs pull', or fetch the file itself"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "it is a web page, saved in place of the download; fetch the file itself"
    return "it is neither safetensors, nor a torch file, nor TorchScript; choose another file"


def _check_archive(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise WeightsError(
            f"The weight file {path} is truncated: its table of contents is missing; fetch it again."
        )
    with zipfile.ZipFile(path) as archive:
        if not any(name.endswith("/data.pkl") for name in archive.namelist()):
            raise WeightsError(f"{path} is a zip archive, but not one of torch's; choose another file.")


def _load_safetensors(path: Path) -> object:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"The safetensors file {path} is truncated or damaged ({error}); fetch it again."
        ) from error


def _load_torch(path: Path) -> object:
    try:
        # Given a name instead of a stream, torch would choose the format by its suffix.
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(stream, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(_refused(path, str(error))) from error


def _damaged(path: Path, error: BaseException) -> str:
    reason = str(error).splitlines()[0] if str(error).strip() else type(error).__name__
    return f"The weight file {path} is truncated or damaged ({reason}); fetch it again."


def _refused(path: Path, reason: str) -> str:
    named = re.search(r"GLOBAL ([\w.]+)", reason)
    if named is None:
        return (
            f"{path} is not a weight file that torch can read safely; use .safetensors, or a state dict saved "
            "with torch.save(model.state_dict(), 'file.pt')."
        )
    return (
        f"{path} holds Python objects besides tensors ({named.group(1)}), and loading them could run code; where "
        "you trust the file, load it yourself with weights_only=False and save the state dict in it alone: "
        "torch.save(state_dict, 'new.pt')."
    )
