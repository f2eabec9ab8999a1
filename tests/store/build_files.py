"""Writes the stored files of the current versions where they are missing: ``python -m tests.store.build_files``.

Run it once per schema version and commit what it makes. The tests read these files for ever, as users' homes will
hold them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.events import BatchDone, ControlRequest, SamplesTaken
from edgeft_core.jobs.states import RunState
from edgeft_core.store import open_catalog, open_metrics_writer, schema
from edgeft_core.store.contract import CheckpointRecord, ProcessIdentity
from edgeft_core.store.metrics.layout import FORMAT_VERSION

METRICS_V1 = "metrics_v1.sqlite"
CONFIG = with_values(RunConfig(), {"head.scale": 8.0, "head.temperature": 4.0, "data.identities": 40})
WORKER = ProcessIdentity(pid=4711, started_at=1_790_000_000.5, host="an-old-machine")
STEPS, CLASSES, BATCH = 300, 40, 8
MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def batch(step: int) -> BatchDone:
    """A batch that any test can compute again."""
    labels_B = (np.arange(BATCH) * 7 + step) % CLASSES
    predicted_B = np.where(np.arange(BATCH) % 2 == 0, labels_B, 3)
    scalars = {"loss": 4.0 - step / 100, "top1": (step % 8) / 8}
    if step > 200:
        scalars["grad_norm_backbone"] = step / 10
    return BatchDone(step, int(step > 200), step / 50, scalars, predicted_B, labels_B)


def build_catalog(path: Path) -> None:
    """A finished, a lost and a waiting run."""
    catalog = open_catalog(f"sqlite:///{path}")
    for run_id in ("old-finished", "old-lost", "old-queued"):
        catalog.add_run(
            run_id, run_id, CONFIG, parent_id=None if run_id == "old-finished" else "old-finished"
        )
    for run_id in ("old-finished", "old-lost"):
        catalog.claim_run(run_id, WORKER)
        catalog.move_run(run_id, RunState.RUNNING)
    request = ControlRequest(0, "set", {"head.temperature": 1.0})
    asked = catalog.add_command("old-finished", request, requested_by="slider")
    catalog.settle_command(asked.id, "applied", step=12, reason="", previous={"head.temperature": 4.0})
    catalog.add_checkpoint(
        CheckpointRecord(
            0, "old-finished", 40, "best", "checkpoints/best", "ab" * 32, 123, MOMENT, {"val_top1": 0.5}
        )
    )
    catalog.add_history("old-finished", "notice", "a sentence", step=3, data={"level": "warning"})
    catalog.heartbeat("old-finished", {"step": 40, "best": {"val_top1": 0.5}, "n_classes": 40})
    catalog.move_run("old-finished", RunState.FINISHED, step=40)
    catalog.move_run("old-lost", RunState.LOST, error="its worker died")
    catalog.take_lease("dispatcher", WORKER, ttl_s=60)
    catalog.close()


def build_metrics(path: Path) -> None:
    """Three hundred batches, two validations, samples and facts."""
    writer = open_metrics_writer(path, CLASSES)
    for step in range(1, STEPS + 1):
        writer.add_batch(batch(step), at=MOMENT, epoch_total=step / 50)
        if step % 150 == 0:
            writer.add_signals(step, {"val_top1": step / 1000}, at=MOMENT, epoch_total=step / 50)
    top_NK = np.array([[3, 4, 5], [6, 7, 8]])
    probs_NK = np.array([[0.5, 0.25, 0.125], [0.75, 0.125, 0.0625]], np.float32)
    writer.put_samples(
        SamplesTaken("validation", STEPS, ("a/1.png", "b/2.png"), np.array([3, 7]), top_NK, probs_NK)
    )
    writer.put_facts({"class_names": [f"id {number}" for number in range(CLASSES)], "device": "cpu"})
    writer.close()


def main() -> None:
    folder = Path(__file__).parent / "files"
    current = {
        f"catalog_v{schema.SCHEMA_VERSION}.sqlite": build_catalog,
        f"metrics_v{FORMAT_VERSION}.sqlite": build_metrics,
    }
    for name, build in current.items():
        if not (folder / name).exists():  # stored files are never rebuilt
            build(folder / name)


if __name__ == "__main__":
    main()
