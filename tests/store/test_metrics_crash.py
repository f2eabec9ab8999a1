"""A worker that is killed while it writes leaves a sound file with whole flushes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeft_core.store import open_metrics_reader, open_metrics_writer
from tests.store.recording import CLASSES, Recording, Row

ROOT = Path(__file__).resolve().parents[2]
FLUSH_EVERY = 7

WRITE_FOR_EVER = f"""
import sys
from pathlib import Path
from edgeft_core.store import open_metrics_writer
from tests.store.recording import CLASSES, Recording
from tests.store.test_metrics_crash import row
writer = open_metrics_writer(Path(sys.argv[1]), CLASSES)
step = 0
while True:
    step += 1
    Recording().add(writer, row(step))
    if step % {FLUSH_EVERY} == 0:
        writer.flush()
        print(step, flush=True)
"""


def row(step: int) -> Row:
    return Row(step, {"loss": float(step), "top1": (step % 5) / 5}, (step % CLASSES, 1), (2, 3))


@pytest.mark.slow
def test_a_killed_writer_leaves_every_flush_it_announced(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sqlite"
    recording = Recording()
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        announced = 0
        until = time.monotonic() + 60
        while announced < 50 * FLUSH_EVERY and time.monotonic() < until:
            announced = int(process.stdout.readline())
        process.kill()
        announced = ([announced] + [int(line) for line in process.communicate()[0].split()])[-1]
        with open_metrics_reader(path) as reader:
            newest = reader.last_step()
            assert newest >= announced > 0
            assert newest % FLUSH_EVERY == 0
            recording.rows = [row(step) for step in range(1, newest + 1)]
            recording.check_view(reader.view(["loss", "top1"], points=40), ["loss", "top1"], 0, None, 40)
            recording.check_histograms(reader.histograms(columns=12), 0, None, 12)
            assert reader.latest() == {"loss": float(newest), "top1": (newest % 5) / 5}
    writer = open_metrics_writer(path, CLASSES)
    for step in range(newest + 1, newest + 200):
        recording.add(writer, row(step))
    writer.close()
    with open_metrics_reader(path) as reader:
        recording.check_view(reader.view(["loss"], points=40), ["loss"], 0, None, 40)
