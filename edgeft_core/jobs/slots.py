"""Device slots: at most one run trains on a device at a time. Loads without torch."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

_NVIDIA_SMI_TIMEOUT_S = 10.0


def slot_of(device: str) -> str:
    """The slot that a run with this ``config.device`` occupies: "cpu", "cuda:0", "mps", ..."""
    wanted = device.strip().lower()
    if wanted == "auto":
        return likely_device()
    return "cuda:0" if wanted == "cuda" else wanted


@cache
def likely_device() -> str:
    """The device that "auto" comes to on this machine, guessed without loading torch."""
    if sys.platform == "darwin":
        return "mps" if platform.machine() == "arm64" else "cpu"
    return "cuda:0" if _torch_knows_cuda() and _has_nvidia_gpu() else "cpu"


def _torch_knows_cuda() -> bool:
    """Whether the installed torch was built with CUDA, read from its version file."""
    found = importlib.util.find_spec("torch")
    if found is None or not found.origin:
        return False
    try:
        text = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return True
    return re.search(r"^cuda\b[^=]*=\s*['\"]", text, re.MULTILINE) is not None


def _has_nvidia_gpu() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES", "unset") in {"", "-1"}:
        return False
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        listed = subprocess.run(
            [program, "-L"], capture_output=True, timeout=_NVIDIA_SMI_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and b"GPU" in listed.stdout
