"""Which device the run uses, in which precision, and how much memory it takes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil
import torch

from edgeft_core.errors import ConfigError


@dataclass(frozen=True)
class Precision:
    """Mixed precision of the backbone; the head always computes in float32.

    Attributes:
        dtype: what autocast uses, None for plain float32.
        scaled: whether the loss must be scaled because the dtype has a small range (float16).
    """

    dtype: torch.dtype | None = None
    scaled: bool = False


def choose_device(name: str) -> torch.device:
    """The device that ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps`` names.

    Raises:
        ConfigError: this machine, or this build of torch, has no such device.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda:0" if cuda else "mps" if mps else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError([f"device: {name!r} is not a device; use auto, cpu, cuda, cuda:1 or mps"]) from None
    if device.type == "cuda":
        device = torch.device("cuda", device.index or 0)
        count = torch.cuda.device_count() if cuda else 0
        if device.index is not None and device.index >= count:
            raise ConfigError(
                [f"device: there is no {device}, torch sees {count} CUDA devices; use auto or cpu"]
            )
    elif device.type == "mps" and not mps:
        raise ConfigError(["device: there is no MPS device here; use auto or cpu"])
    elif device.type not in {"cpu", "mps"}:
        raise ConfigError([f"device: {name!r} is not supported; use auto, cpu, cuda, cuda:1 or mps"])
    return device


def describe(device: torch.device) -> str:
    """The device in words, such as ``cpu (2 threads)``."""
    if device.type == "cuda":
        return f"{device} {torch.cuda.get_device_name(device)}"
    if device.type == "cpu":
        return f"cpu ({torch.get_num_threads()} threads)"
    return str(device)


def choose_precision(device: torch.device, amp: bool) -> Precision:
    """bfloat16 where the GPU computes in it natively, else float16 with a scaled loss; float32 off CUDA."""
    if device.type != "cuda" or not amp:
        return Precision()
    if torch.cuda.get_device_capability(device)[0] >= 8:
        return Precision(torch.bfloat16)
    return Precision(torch.float16, scaled=True)


def autocast(device: torch.device, precision: Precision) -> contextlib.AbstractContextManager[object]:
    """The context in which the backbone runs."""
    if precision.dtype is None:
        return contextlib.nullcontext()
    return torch.autocast(device.type, precision.dtype)


def memory_mib(device: torch.device) -> float:
    """Memory that torch holds on the device; of the whole process on CPU."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device) / 2**20
    if device.type == "mps":
        return torch.mps.driver_allocated_memory() / 2**20
    return float(psutil.Process().memory_info().rss) / 2**20
