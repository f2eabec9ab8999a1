"""Embeddings on disk, one file per key, written beside and renamed, the oldest removed when they grow too many."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

SIZE_LIMIT = 4 * 2**30
"""Bytes that embeddings of all runs together may take; those used longest ago go first."""


class EmbeddingStore:
    """A folder of tensors by key. Without a folder, and after the disk refused once, it keeps nothing.

    Several processes may use one folder: files appear whole or not at all, and equal keys mean equal content.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, key: str) -> dict[str, Tensor] | None:
        """The tensors kept under ``key``, None where there are none; an unreadable file counts as none."""
        path = self._path(key)
        if path is None or not path.exists():
            return None
        try:
            tensors: dict[str, Tensor] = load_file(path)
            os.utime(path)
        except Exception:  # a damaged or vanished cache file is only work to be done again
            return None
        return tensors

    def save(self, key: str, tensors: Mapping[str, Tensor]) -> str:
        """Keep tensors; returns a sentence where the disk refused (the store is then off), else nothing."""
        path = self._path(key)
        if path is None:
            return ""
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, temporary)
            temporary.replace(path)
            self._make_room(path.parent)
        except Exception as error:  # safetensors wraps OSError in its own type
            with contextlib.suppress(OSError):
                temporary.unlink()
            self._folder = None
            return f"Embeddings stay in memory, the cache folder {path.parent} cannot be written ({error})."
        return ""

    def _path(self, key: str) -> Path | None:
        return self._folder / f"{key}.safetensors" if self._folder else None

    def _make_room(self, folder: Path) -> None:
        files = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for path in files:
            total += path.stat().st_size
            if total > SIZE_LIMIT:
                path.unlink(missing_ok=True)


def cache_key(facts: Mapping[str, Any]) -> str:
    """A name that changes with any of the facts that the embeddings depend on."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def weights_hash(module: nn.Module) -> str:
    """Of every parameter and buffer, by name, type and bytes."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
