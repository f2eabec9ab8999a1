"""Weight files as people have them, written for tests."""

from __future__ import annotations

import warnings
import zipfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from edgeft_core.models import BACKBONES

State = dict[str, Tensor]


def random_state(name: str = "edgeface_xxs", embedding_dim: int = 512, seed: int = 0) -> State:
    """A state dict with the names and shapes of a published checkpoint and small random numbers."""
    generator = torch.Generator().manual_seed(seed)
    return {
        key: torch.randn(shape, generator=generator) * 0.05
        for key, shape in _shapes(name, embedding_dim).items()
    }


@cache
def _shapes(name: str, embedding_dim: int) -> dict[str, torch.Size]:
    with torch.device("meta"):
        return {key: tensor.shape for key, tensor in BACKBONES[name](embedding_dim).state_dict().items()}


def prefixed(state: State, prefix: str) -> State:
    return {prefix + key: tensor for key, tensor in state.items()}


def renamed(state: State, old: str, new: str) -> State:
    """Every name with its prefix ``old`` replaced by ``new``."""
    return {new + key.removeprefix(old): tensor for key, tensor in state.items()}


def save_scripted(module: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))  # type: ignore[no-untyped-call]
    return path


def save_traced(module: nn.Module, path: Path, example: Tensor) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(module.eval(), example).save(str(path))  # type: ignore[no-untyped-call]
    return path


def with_record(source: Path, target: Path, record: str, content: bytes) -> Path:
    """A copy of a zip archive with one record replaced."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, content if entry.filename.endswith(record) else old.read(entry))
    return target
