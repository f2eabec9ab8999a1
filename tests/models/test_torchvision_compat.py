"""torchvision imports beside any torch build, and a fitting one is left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from edgeft_core.models import torchvision_compat


def fresh_interpreter(code: str) -> str:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_both_operators_are_declared_once_it_is_imported() -> None:
    assert torchvision_compat.missing_operators() == ()
    assert hasattr(torch.ops.torchvision, "nms")


@pytest.mark.slow
def test_timm_and_the_transforms_import_in_a_fresh_interpreter() -> None:
    code = (
        "from edgeft_core.models import torchvision_compat\n"
        "import gc, timm, torch, torchvision.transforms.v2 as v2\n"
        "gc.collect()\n"
        "print(v2.Resize(8)(torch.zeros(3, 16, 16)).shape[-1], torchvision_compat.missing_operators())"
    )
    assert fresh_interpreter(code) == "8 ()"


@pytest.mark.slow
def test_nothing_is_declared_where_the_operators_are_there() -> None:
    code = (
        "import torch\n"
        "library = torch.library.Library('torchvision', 'FRAGMENT')\n"
        "schema = '(Tensor dets, Tensor scores, float iou_threshold) -> Tensor'\n"
        "for name in ('nms', 'qnms'):\n"
        "    if not hasattr(torch.ops.torchvision, name):\n"
        "        library.define(name + schema)\n"
        "import torchvision\n"
        "from edgeft_core.models import torchvision_compat\n"
        "print(torchvision_compat.is_patched())"
    )
    assert fresh_interpreter(code) == "False"
