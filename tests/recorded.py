"""Runs as a worker would have recorded them, written through the real journal: for pages, without training."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from edgeft_core import queries
from edgeft_core.config import DataConfig, HeadConfig, RunConfig, StageConfig
from edgeft_core.data import open_dataset
from edgeft_core.events import (
    BatchDone,
    EmbeddingsTaken,
    Event,
    FirstBatch,
    FloatArray,
    Progress,
    RunEnded,
    RunPrepared,
    SampleSet,
    SamplesTaken,
    SignalsMeasured,
    StageStarted,
)
from edgeft_core.jobs.launching import new_run_id
from edgeft_core.jobs.states import RunState
from edgeft_core.jobs.worker.journal import Journal
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process

CLASSES = 12
PER_EPOCH = 10
BATCH = 8


def small_config(**data: object) -> RunConfig:
    """Twelve drawn people, one stage on a frozen backbone, one that trains it."""
    return RunConfig(
        preset="smoke",
        data=DataConfig(identities=CLASSES, images_per_identity=6, workers=0, batch_size=BATCH, **data),
        head=HeadConfig(scale=16.0, margin_rad=0.1),
        stages=(
            StageConfig(name="head", epochs=2),
            StageConfig(
                name="fine-tune", epochs=2, train_backbone=True, backbone_lr=3e-5, contrastive_weight=0.3
            ),
        ),
    )


def recorded_run(
    home: Home,
    name: str = "recorded",
    *,
    config: RunConfig | None = None,
    steps: int = 40,
    collapsed: bool = False,
    state: RunState = RunState.FINISHED,
    error: str = "",
    class_names: tuple[str, ...] = (),
) -> RunRecord:
    """A run with ``steps`` steps, left in ``state``.

    Args:
        collapsed: nearly all predictions fall on one class.
        class_names: the people's names; those of the data set by default.
    """
    catalog = queries.catalog_of(home)
    run = catalog.add_run(new_run_id(), name, config or small_config())
    home.run_folder(run.id).mkdir(parents=True, exist_ok=True)
    if state is RunState.QUEUED:
        return run
    catalog.claim_run(run.id, current_process())  # the test stands in for the worker
    if state is RunState.STARTING:
        return catalog.run(run.id)
    journal = Journal(home, catalog.run(run.id), catalog)
    begun = time.time() - steps
    for number, event in enumerate(_events(home, run.config, steps, collapsed, class_names)):
        journal.write(event, begun + number / 2)
    journal.flush()
    journal.beat()
    journal.close()
    if state is not RunState.RUNNING:
        catalog.move_run(run.id, state, error=error, step=steps)
    return catalog.run(run.id)


def _events(
    home: Home, config: RunConfig, steps: int, collapsed: bool, class_names: tuple[str, ...]
) -> Iterator[Event]:
    random = np.random.default_rng(0)
    data = open_dataset(config.data, seed=config.seed, cache=home.cache)
    names = class_names or data.class_names
    yield Progress("Drawing faces", 1, 1)
    yield RunPrepared(
        class_names=names,
        split_images={name: len(indices) for name, indices in data.splits.items()},
        label_counts_C=data.label_counts("train"),
        steps_total=max(steps, 1),
        steps_per_epoch=PER_EPOCH,
        device="cpu (1 threads)",
        parameters={"backbone": 1_240_000, "head": 512 * len(names)},
        weights={},
        warnings=(),
    )
    yield StageStarted(0, "head", 0, 2, PER_EPOCH, cached=True, trainable={"head": 512 * len(names)})
    yield FirstBatch(0.01, 0.5, 0.0, 0.7, predicted=(3,) * 10, true=tuple(range(10)))
    for step in range(1, steps + 1):
        stage = int(step > steps / 2)
        if stage and step == steps // 2 + 1:
            yield StageStarted(1, "fine-tune", step - 1, 2, PER_EPOCH, cached=False, trainable={})
        yield _batch(random, step, stage, steps, len(names), collapsed)
        if step % PER_EPOCH == 0 or step == steps:
            yield SignalsMeasured(step, _validation(step / steps, collapsed))
    sets: tuple[SampleSet, ...] = ("train", "validation")
    for split in sets:
        rows = data.splits[split][:24]
        yield _samples(random, split, steps, [data.item_id(int(row)) for row in rows], data.labels_N[rows])
        yield taken_embeddings(split, steps, data.labels_N[rows], len(names), collapsed=collapsed)
    yield RunEnded(steps, "finished", {})


def _batch(
    random: np.random.Generator, step: int, stage: int, steps: int, classes: int, collapsed: bool
) -> BatchDone:
    labels_B = random.integers(0, classes, BATCH)
    guesses_B = random.integers(0, classes, BATCH)
    knows_B = random.random(BATCH) < 0.8 * step / steps
    predicted_B = np.where(knows_B, labels_B, guesses_B)
    if collapsed:
        predicted_B = np.where(random.random(BATCH) < 0.9, 3, predicted_B)
    top1 = float((predicted_B == labels_B).mean())
    scalars = {
        "loss": 3.0 - 2.0 * step / steps + 0.1 * random.random(),
        "grad_norm_head": 5.0 + random.random(),
        "logit_std_samples": 0.2 if collapsed else 0.7 + step / steps,
        "logit_std_classes": 1.0,
        "top1_running": top1,
        "top5_running": min(1.0, 2 * top1),
        "window_images": float(min(1024, BATCH * step)),
        "max_class_share": 0.9 if collapsed else 0.15,
        "cos_same_image": 0.99,
        "cos_different": 0.98 if collapsed else 0.1,
        "cos_target": 0.1 if collapsed else 0.1 + 0.5 * step / steps,
        "cos_nontarget": 0.08 if collapsed else 0.01,
        "prob_top_mean": 0.1 + 0.4 * step / steps,
        "prob_top_max": 0.2 + 0.6 * step / steps,
        "collapse_level": 0.89 if collapsed else 0.05,
        "images_per_s": 400.0,
        "scale": 16.0,
        "margin_rad": 0.1,
        "temperature": 1.0,
    }
    if stage:
        scalars["grad_norm_backbone"] = 2.0
    epoch = step / PER_EPOCH - 2 * stage
    return BatchDone(
        step, stage, max(0.0, epoch), scalars, predicted_B.astype(np.int64), labels_B.astype(np.int64)
    )


def _validation(done: float, collapsed: bool) -> dict[str, float]:
    return {
        "val_top1": 1 / CLASSES if collapsed else 0.1 + 0.6 * done,
        "val_top5": 5 / CLASSES if collapsed else 0.5 + 0.4 * done,
        "val_loss": 2.5 - done,
        "val_cos_same_image": 0.99,
        "val_cos_same": 0.99 if collapsed else 0.7,
        "val_cos_different": 0.98 if collapsed else 0.1,
    }


def _samples(
    random: np.random.Generator,
    split: SampleSet,
    step: int,
    items: list[str],
    labels_N: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
) -> SamplesTaken:
    """Every third face is taken for somebody else."""
    top_NK = np.stack(
        [(label + np.arange(5) + (row % 3 == 0)) % CLASSES for row, label in enumerate(labels_N)]
    )
    probs_NK = np.sort(random.dirichlet(np.ones(6), len(items))[:, :5], axis=1)[:, ::-1]
    return SamplesTaken(split, step, tuple(items), labels_N, top_NK, probs_NK.astype(np.float32))


def taken_embeddings(
    split: SampleSet,
    step: int,
    labels_N: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    classes: int,
    *,
    collapsed: bool = False,
    dim: int = 32,
) -> EmbeddingsTaken:
    """Embeddings around their class weight; collapsed ones share a direction that hides it."""
    random = np.random.default_rng(1)
    w_CD, shared_D = _unit(random.normal(size=(classes, dim))), _unit(random.normal(size=(1, dim)))[0]
    z_ND = w_CD[labels_N] + random.normal(size=(len(labels_N), dim)) / dim**0.5
    z_ND = _unit(z_ND + (12 * shared_D if collapsed else 0))
    return EmbeddingsTaken(
        split, step, 4 * len(labels_N), labels_N.astype(np.int64), z_ND, w_CD, z_ND.mean(axis=0)
    )


def _unit(rows: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> FloatArray:
    unit: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit
