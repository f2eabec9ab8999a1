"""From a config to a session: data, backbone, super-resolution and head, ready to train."""

from __future__ import annotations

import queue
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch

from edgeft_core.config import RunConfig
from edgeft_core.data import FaceDataset, open_dataset
from edgeft_core.engine.controls import LiveSettings
from edgeft_core.engine.device import choose_device, choose_precision, describe
from edgeft_core.engine.embedder import Embedder
from edgeft_core.engine.embedding_store import EmbeddingStore
from edgeft_core.engine.pixels import PixelPipeline
from edgeft_core.engine.session import Session
from edgeft_core.events import Event, Progress, RunPrepared
from edgeft_core.models import build_backbone
from edgeft_core.models.heads import build_head
from edgeft_core.models.super_resolution import build_super_resolver


def prepare(config: RunConfig, *, folder: Path, cache: Path) -> Generator[Event, None, Session]:
    """Read data and weights; tells how far it is and returns the session.

    Raises:
        ConfigError, DataError, WeightsError: what was asked for cannot be had.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = choose_device(config.device)
    precision = choose_precision(device, config.amp)
    with ThreadPoolExecutor(1, thread_name_prefix="open-data") as pool:
        news: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        opening = pool.submit(
            open_dataset,
            config.data,
            seed=config.seed,
            cache=cache,
            progress=lambda what, done, total: news.put(Progress(what, done, total)),
        )
        loaded = build_backbone(config.backbone, image_px=config.data.image_px, seed=config.seed)
        super_resolver = build_super_resolver(config.data)
        dataset = yield from _awaited(opening, news)
    generator = torch.Generator().manual_seed(config.seed)
    head = build_head(config.head, config.backbone.embedding_dim, dataset.n_classes, generator)
    return Session(
        config=config,
        live=LiveSettings(config),
        folder=folder,
        device=device,
        precision=precision,
        dataset=dataset,
        pixels=PixelPipeline(config.data, super_resolver, config.seed, device),
        embedder=Embedder(loaded.module, device, precision),
        head=head.to(device),
        report=loaded.report,
        store=EmbeddingStore(cache / "embeddings" if dataset.fingerprint else None),
        warnings=(*dataset.warnings, *loaded.report.warnings()),
    )


def prepared(session: Session) -> RunPrepared:
    """What is known before the first step."""
    dataset = session.dataset
    modules = {"backbone": session.embedder.backbone, "head": session.head}
    return RunPrepared(
        class_names=dataset.class_names,
        split_images={name: len(rows) for name, rows in dataset.splits.items()},
        label_counts_C=dataset.label_counts("train"),
        steps_total=session.steps_total,
        steps_per_epoch=session.steps_per_epoch,
        device=describe(session.device),
        parameters={name: sum(p.numel() for p in module.parameters()) for name, module in modules.items()},
        weights=session.report.as_dict(),
        warnings=session.warnings,
    )


def _awaited(
    opening: Future[FaceDataset], news: queue.SimpleQueue[Progress]
) -> Generator[Event, None, FaceDataset]:
    """Pass on the progress of data being opened in another thread until it is there."""
    while not opening.done():
        try:
            yield news.get(timeout=0.05)
        except queue.Empty:
            continue
    return opening.result()
