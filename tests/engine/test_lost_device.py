"""A device that is gone, or stops answering while it trains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edgeft_core.engine.lost_device import explain_loss
from edgeft_core.errors import ConfigError
from tests.engine.runs import events_of, tiny

ROOT = Path(__file__).resolve().parents[2]

FAILING = """
import torch
from edgeft_core.engine.lost_device import explain_loss
values = torch.zeros(4, device="cuda")
try:
    values[torch.tensor([10_000_000], device="cuda")].sum().item()
except RuntimeError as error:
    print(explain_loss(torch.device("cuda:0"), error))
"""


def test_a_device_that_is_not_there_any_more_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no cuda:61, torch sees \d+ CUDA devices"):
        events_of(tiny(device="cuda:61"), tmp_path, resume=True)


def test_what_an_accelerator_raises_becomes_a_sentence_and_nothing_else_does() -> None:
    cuda = torch.device("cuda:0")
    told = explain_loss(
        cuda, torch.AcceleratorError("CUDA error: unspecified launch failure\nCompile with ...")
    )
    assert told is not None
    assert "cuda:0 stopped answering (CUDA error: unspecified launch failure)" in str(told)
    assert "resume the run" in str(told)
    assert explain_loss(cuda, RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert explain_loss(torch.device("cpu"), RuntimeError("CUDA error")) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device to fail")
def test_a_real_device_that_fails_is_recognised() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "cuda:0 stopped answering" in done.stdout, done.stderr[-2000:]
