"""Out of memory: a batch goes through the backbone in parts. The memory of a process is limited for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from edgeft_core.engine.memory_signs import is_out_of_memory
from edgeft_core.engine.step import Stepper
from edgeft_core.events import BatchDone, Notice
from tests.engine.runs import events_of, of, started, tiny

ROOT = Path(__file__).resolve().parents[2]

LARGE = {
    "data__identities": 64, "data__image_px": 64, "data__batch_size": 256, "head__centre": True,
    "stages__0__epochs": 1, "stages__0__cached_views": 1, "stages__1__epochs": 1,
}  # fmt: skip

LIMITED_RUN = """
import json, resource, sys, time
from pathlib import Path
from edgeft_core.errors import OutOfMemoryError
from edgeft_core.events import BatchDone, Notice, StageStarted
from tests.engine.runs import started, tiny

config = tiny(**json.loads(sys.argv[2]))
limited = False
try:
    for event in started(config, Path(sys.argv[1])):
        if isinstance(event, BatchDone if int(sys.argv[3]) == 0 else StageStarted) and event.stage == 1 and not limited:
            limited = True
            time.sleep(2)  # what is read ahead has been read: only the pass lacks memory from here on
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[3]) * 2**20, resource.RLIM_INFINITY))
        if isinstance(event, Notice):
            print(event.text)
        if isinstance(event, BatchDone):
            print("loss", event.step, event.scalars["loss"], event.scalars["grad_norm_backbone"] if event.stage else 0)
except OutOfMemoryError as error:
    print(error)
    sys.exit(3)
"""

needs_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits the address space as Linux can"
)


def limited(folder: Path, more_mib: int, settings: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """A run that may take so much more memory once its second stage begins; 0: none after that stage's first step.

    Blocks of 64 KiB and more go back to the system when they are freed, so that the limit is what it says.
    """
    return subprocess.run(
        [sys.executable, "-c", LIMITED_RUN, str(folder), json.dumps(settings), str(more_mib)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "65536"},
    )


@pytest.mark.slow
@needs_linux
def test_a_batch_that_does_not_fit_goes_in_parts_and_the_run_goes_on(tmp_path: Path) -> None:
    done = limited(tmp_path / "limited", 400, LARGE)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    found = re.search(
        r"A batch of 256 images does not fit .* through the backbone (\d+) images at a time", done.stdout
    )
    assert found
    assert int(found.group(1)) in {1, 2, 4, 8, 16, 32, 64, 128}
    losses = [float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("loss")]
    whole = [event.scalars["loss"] for event in of(BatchDone, started(tiny(**LARGE), tmp_path / "whole"))]
    assert losses == pytest.approx(whole, rel=1e-4)


@pytest.mark.slow
@needs_linux
def test_where_not_even_one_image_fits_the_run_ends_with_a_sentence(tmp_path: Path) -> None:
    done = limited(tmp_path, 0, LARGE | {"data__image_px": 224, "data__batch_size": 64})
    assert done.returncode == 3, done.stdout + done.stderr[-3000:]
    assert "A batch of 64 images does not fit into the memory of cpu" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_step_in_parts_is_the_step_of_the_whole_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"head__centre": True, "stages__0__epochs": 1}
    whole = events_of(tiny(**settings), tmp_path, name="whole")
    allocate = Stepper._gradients
    refused: list[int] = []

    def tight(self: Stepper, *arguments: Any) -> Any:
        """Forward and backward as ever, and at the end no room unless at most two images went at a time."""
        passed = allocate(self, *arguments)
        if self.embedder.trains and not 0 < self.embedder.part <= 2:
            refused.append(self.embedder.part)
            torch.empty(2**55, dtype=torch.uint8)
        return passed

    monkeypatch.setattr(Stepper, "_gradients", tight)
    parts = events_of(tiny(**settings), tmp_path, name="parts")
    assert refused == [0, 4]
    assert [one.text for one in of(Notice, parts) if "2 images at a time" in one.text]
    for one, other in zip(of(BatchDone, parts), of(BatchDone, whole), strict=True):
        assert one.scalars["loss"] == pytest.approx(other.scalars["loss"], rel=1e-4)
        assert one.predicted_B.tolist() == other.predicted_B.tolist()
        if one.stage == 1:
            assert one.scalars["grad_norm_backbone"] == pytest.approx(
                other.scalars["grad_norm_backbone"], rel=1e-3
            )


def test_an_impossible_allocation_is_recognised_and_other_errors_are_not() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**55, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    with pytest.raises(RuntimeError) as other:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert not is_out_of_memory(other.value)
