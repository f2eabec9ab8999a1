"""Memory that is free on a device."""

from __future__ import annotations

import psutil
import torch


def free_bytes(device: torch.device) -> int:
    """Bytes that this process could still take there."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free) + held
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory()) - int(torch.mps.current_allocated_memory())
    return int(psutil.virtual_memory().available)
