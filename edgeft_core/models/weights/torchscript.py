"""Read the tensors of a TorchScript archive without compiling or running the code that it carries.

``torch.jit.load`` compiles the archive's code and runs any ``__setstate__`` in it, and TorchScript has
operators that touch files, so loading an archive of unknown origin is running a program of unknown origin.
Only its weights are wanted here. They lie in the zip as plain records (``data/0``, ``data/1``, ...) with an
object tree in ``data.pkl`` that says which record is which attribute of which module. That tree is walked
with classes of ours that do nothing; a name outside a short list of constructors is refused.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edgeft_core.errors import WeightsError

STORAGES: dict[str, torch.dtype] = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
MAX_DEPTH = 64


def is_torchscript(path: Path) -> bool:
    """Whether the file is a zip with TorchScript's record of constants (plain torch files have none)."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Parameters and buffers by dotted name, as ``torch.jit.load(path).state_dict()`` would name them.

    Raises:
        WeightsError: frozen (weights folded into the code), quantised, compressed or malformed archives.
    """
    with zipfile.ZipFile(path) as archive:
        tree = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if tree is None:
            raise WeightsError(f"{path} is a TorchScript archive without a data.pkl: it is damaged.")
        try:
            root = _TreeReader(archive, tree.removesuffix("data.pkl")).load()
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}") from error
        except Exception as error:  # a hostile or damaged pickle stream can raise anything
            raise WeightsError(
                f"{path} is a damaged TorchScript archive ({error}); fetch it again."
            ) from error
    tensors = dict(_named_tensors(root, ""))
    if not tensors:
        raise WeightsError(
            f"{path} is a TorchScript archive without named weights: it was frozen (torch.jit.freeze), which "
            "folds them into the code. Use the file from before freezing."
        )
    return tensors


class _Inert:
    """Stands for any object of the archive: keeps attributes, does nothing."""

    def __setstate__(self, state: object) -> None:
        self.attributes = state if isinstance(state, dict) else {}


class _TreeReader(pickle.Unpickler):
    """Unpickler that can build inert objects, numbers, texts, containers and tensors, and nothing else."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{folder}data.pkl")))
        self._archive = archive
        self._folder = folder

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return _Inert
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        known: dict[tuple[str, str], Callable[..., object]] = {
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("collections", "OrderedDict"): OrderedDict,
        }
        if module == "torch.jit._pickle":
            return _first_argument
        if (module, name) not in known:
            what = "quantised weights" if "quantize" in name or "qtensor" in name else f"{module}.{name}"
            raise WeightsError(f"the TorchScript archive holds {what}, which cannot be read as plain tensors")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, record, _device, count = pid
        entry = self._archive.getinfo(f"{self._folder}data/{record}")
        if kind != "storage" or entry.compress_type != zipfile.ZIP_STORED:
            raise WeightsError("the TorchScript archive stores its tensors in an unknown way")
        if count == 0:
            return torch.empty(0, dtype=dtype)
        return torch.frombuffer(bytearray(self._archive.read(entry)), dtype=dtype, count=count)


def _tensor(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    return storage.as_strided(size, stride, offset)  # refuses to reach beyond the storage


def _first_argument(value: object, *_: object) -> object:
    return value


def _named_tensors(node: object, prefix: str, depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    if not isinstance(node, _Inert) or depth > MAX_DEPTH:
        return
    for name, value in getattr(node, "attributes", {}).items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        else:
            yield from _named_tensors(value, f"{prefix}{name}.", depth + 1)
