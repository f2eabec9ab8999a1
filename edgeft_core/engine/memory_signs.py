"""What running out of memory looks like, and giving back what can be given back."""

from __future__ import annotations

import ctypes
import gc
import os

import torch

_SIGNS = ("can't allocate memory", "out of memory", "not enough memory", "could not create a primitive")
"""What torch's allocators say, and oneDNN where it finds no room for its scratch memory."""

_C_LIBRARY = ctypes.CDLL(None) if os.name == "posix" else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed: torch has one type for CUDA, and plain RuntimeErrors elsewhere."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def release(device: torch.device) -> None:
    """Give back what nobody holds any more."""
    gc.collect()
    if (
        device.type == "cpu" and _C_LIBRARY and hasattr(_C_LIBRARY, "malloc_trim")
    ):  # glibc keeps what was freed mapped
        _C_LIBRARY.malloc_trim(0)
    if device.type == "cuda":
        torch.cuda.empty_cache()
