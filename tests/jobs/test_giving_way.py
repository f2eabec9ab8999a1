"""Pages give way to the training where the system lets them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgeft_core.settings import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this policy")

SERVER = """
import os, sys, threading
from pathlib import Path
from edgeft_core.jobs.detach import start_detached
from edgeft_core.jobs.giving_way import give_way

def policies():
    return {os.sched_getscheduler(int(one)) for one in os.listdir("/proc/self/task")}

os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))  # whoever runs the tests may have given way
over = threading.Event()
threading.Thread(target=over.wait, daemon=True).start()
assert policies() == {os.SCHED_OTHER}
give_way()
threading.Thread(target=over.wait, daemon=True).start()
assert policies() == {os.SCHED_BATCH}, policies()
job = start_detached("timeit", ["-n", "1", "-r", "1", "__import__('time').sleep(60)"], log=Path(sys.argv[1]))
found = os.sched_getscheduler(job.pid)
job.kill()
job.wait()
over.set()
assert found == os.SCHED_OTHER, found
"""


def test_all_threads_of_a_server_wait_for_their_turn_and_the_jobs_that_it_starts_do_not(
    tmp_path: Path,
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", SERVER, str(tmp_path / "log")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
