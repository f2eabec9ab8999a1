"""A device that stops answering while it trains: unplugged, reset, overheated, or its driver failed."""

from __future__ import annotations

import torch

from edgeft_core.errors import DeviceLostError

_SIGNS = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "HIP error", "MPS backend", "driver shutting down")


def explain_loss(device: torch.device, error: BaseException) -> DeviceLostError | None:
    """The error for the user if ``error`` came from an accelerator that cannot go on; None for any other."""
    if device.type == "cpu":
        return None
    if not (isinstance(error, torch.AcceleratorError) or any(sign in str(error) for sign in _SIGNS)):
        return None
    first = str(error).strip().splitlines()[0]
    return DeviceLostError(
        f"The device {device} stopped answering ({first}): it was unplugged or reset, or its driver failed. Once it "
        "works again, resume the run; it goes on from its last checkpoint."
    )
