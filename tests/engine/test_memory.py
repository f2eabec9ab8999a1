"""Out of memory: the run says which batch size would fit. The memory of a process is limited for real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edgeft_core.engine.memory_signs import is_out_of_memory

ROOT = Path(__file__).resolve().parents[2]

LIMITED_RUN = """
import resource, sys
from pathlib import Path
from edgeft_core.errors import OutOfMemoryError
from edgeft_core.events import BatchDone, StageStarted
from tests.engine.runs import started, tiny

config = tiny(
    data__identities=64, data__image_px=64, data__batch_size=256, stages__0__epochs=1, stages__0__cached_views=1
)
try:
    for event in started(config, Path(sys.argv[1])):
        if isinstance(event, StageStarted) and event.stage == 1:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20, resource.RLIM_INFINITY))
except OutOfMemoryError as error:
    print(error)
    sys.exit(3)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space as Linux can")
def test_a_batch_that_does_not_fit_ends_the_run_with_one_that_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED_RUN, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "MALLOC_ARENA_MAX": "2"},
    )
    assert done.returncode == 3, done.stderr[-3000:]
    found = re.search(
        r"A batch of 256 images does not fit into the memory of cpu .*; (\d+) fit when tried\. "
        r"Set data\.batch_size=\1\.",
        done.stdout,
    )
    # How much of the limited address space is left for trying depends on what the failed batch left mapped.
    nothing_fits = "and no smaller one does: choose a smaller backbone or smaller images" in done.stdout
    assert found or nothing_fits, done.stdout
    if found:
        assert int(found.group(1)) in {8, 16, 32, 64, 128}


def test_an_impossible_allocation_is_recognised_and_other_errors_are_not() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**55, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    with pytest.raises(RuntimeError) as other:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert not is_out_of_memory(other.value)
