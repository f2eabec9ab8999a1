"""A home with one run that trained a little, and one that waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.events import BatchDone, ControlRequest, SamplesTaken
from edgeft_core.jobs.states import RunState
from edgeft_core.queries import catalog_of, forget
from edgeft_core.settings import Home
from edgeft_core.store import open_metrics_writer
from edgeft_core.store.contract import CheckpointRecord
from edgeft_core.store.processes import current_process

START = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("ann", "bob", "eve", "zo\u00eb")
STEPS = 100
CONFIG = with_values(RunConfig(), {"head.temperature": 4.0, "head.scale": 8.0, "data.identities": 4})


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home").ensure()
    yield home
    forget(home)


def write_metrics(home: Home, run_id: str) -> None:
    """A hundred batches: predictions move from all classes to class 2 alone."""
    writer = open_metrics_writer(home.metrics_file(run_id), len(NAMES))
    for step in range(1, STEPS + 1):
        labels_B = np.arange(8) % 4
        predicted_B = labels_B if step <= 50 else np.full(8, 2)
        scalars = {"loss": 4.0 - step / 50, "max_class_share": 0.25 if step <= 50 else 1.0}
        scalars |= {
            "window_images": float(min(64, 8 * step)),
            "unique_classes": 1.0,
            "effective_classes": 1.0,
        }
        if step > 60:
            scalars["grad_norm_backbone"] = float("nan") if step == 70 else 0.5
        event = BatchDone(step, 0, step / 50, scalars, predicted_B, labels_B)
        writer.add_batch(event, at=START + timedelta(seconds=step), epoch_total=step / 50)
        if step % 50 == 0:
            accuracy = {"val_top1": step / 200, "val_top5": 1.0}
            writer.add_signals(step, accuracy, at=START + timedelta(seconds=step), epoch_total=step / 50)
    top_NK = np.array([[2, 0, 1], [1, 3, 2], [0, 1, 2]])
    probs_NK = np.array([[0.75, 0.125, 0.0625], [0.5, 0.25, 0.125], [0.5, 0.25, 0.125]], np.float32)
    items = ("ann/1.png", "bob/2.png", "zo\u00eb/3.png")
    writer.put_samples(SamplesTaken("validation", STEPS, items, np.array([0, 1, 3]), top_NK, probs_NK))
    writer.put_facts({"class_names": NAMES})
    writer.close()


@pytest.fixture
def run_id(home: Home) -> str:
    """A running run with commands, checkpoints, a stage and a notice."""
    catalog = catalog_of(home)
    run = catalog.add_run("a1b2", "first try", CONFIG)
    catalog.claim_run(run.id, current_process())
    catalog.move_run(run.id, RunState.RUNNING)
    write_metrics(home, run.id)
    (home.run_folder(run.id) / "classes.json").write_text(json.dumps(NAMES), encoding="utf-8")
    catalog.add_history(run.id, "stage_started", "head", step=1, data={"stage": 0})
    changes = ControlRequest(0, "set", {"head.temperature": 1.0, "head.scale": 16.0})
    asked = catalog.add_command(run.id, changes, requested_by="slider")
    previous = {"head.temperature": 4.0, "head.scale": 8.0}
    catalog.settle_command(asked.id, "applied", step=41, reason="", previous=previous)
    refused = catalog.add_command(run.id, ControlRequest(0, "set", {"head.scale": 1e9}), requested_by="cli")
    catalog.settle_command(refused.id, "refused", step=50, reason="at most 256", previous={})
    catalog.add_command(run.id, ControlRequest(0, "pause"), requested_by="cli")
    catalog.add_checkpoint(
        CheckpointRecord(0, run.id, 50, "best", "checkpoints/best", "0" * 64, 10, START, {"val_top1": 0.25})
    )
    catalog.add_history(run.id, "notice", "Something to know.", step=60, data={"level": "warning"})
    catalog.heartbeat(
        run.id,
        {
            "step": 90,
            "steps_total": 200,
            "stage": 0,
            "epoch": 1.8,
            "images_per_s": 412.0,
            "eta_s": 12.5,
            "device": "cpu (2 threads)",
            "n_classes": 4,
            "class_names_file": "classes.json",
            "metrics": {"max_class_share": 1.0, "loss": None},
            "best": {"val_top1": 0.5, "val_top5": 1.0},
            "warnings": ["a warning"],
        },
    )
    return run.id


@pytest.fixture
def waiting_id(home: Home) -> str:
    """A run that has not begun."""
    return catalog_of(home).add_run("q9", "waiting", RunConfig(), parent_id="a1b2").id
