"""Where a stage's batches come from: cached embeddings while the backbone is frozen, pixels otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch

from edgeft_core.data.batches import BatchLoader
from edgeft_core.engine.cached_views import TWIN_SHARE, CachedViews
from edgeft_core.engine.embedding_store import cache_key, weights_hash
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.pixels import as_tensor
from edgeft_core.engine.position import epoch_order
from edgeft_core.engine.session import Session
from edgeft_core.events import Event, IntArray, Notice


class Feed(Protocol):
    """Batches of one stage, in an order that seed and epoch alone decide."""

    cached: bool

    def epoch(self, epoch: int, first_batch: int) -> Iterator[StepBatch | Event]:
        """Batches of an epoch of this stage from ``first_batch`` on, between them news of longer work."""
        ...

    def again(self, rows_B: IntArray, epoch: int) -> StepBatch:
        """The same images as they were in that epoch: to look closer at a step that went wrong."""
        ...

    def close(self) -> None: ...


def build_feed(session: Session, stage: int) -> Feed:
    """The feed that a stage asks for, as it is in force."""
    settings = session.live.stage(stage)
    if settings.train_backbone or settings.cached_views == 0:
        return PixelFeed(session, stage)
    return CachedFeed(session, stage)


class CachedFeed:
    """Batches of embeddings that are computed once per view; epoch e uses view e modulo ``cached_views``."""

    cached = True

    def __init__(self, session: Session, stage: int) -> None:
        self._session = session
        self._first_epoch = session.first_epoch(stage)
        self._n_views = session.config.stages[stage].cached_views
        facts = embedding_facts(session)
        self._views = CachedViews(
            session.embedder,
            session.pixels,
            session.dataset,
            session.train_rows_N,
            seed=session.config.seed,
            first_epoch=self._first_epoch,
            store=session.store,
            key_of=lambda view: cache_key({**facts, "view": view, "layout": self._first_epoch + view}),
        )
        self._labels_N = session.labels_of(session.train_rows_N)

    def epoch(self, epoch: int, first_batch: int) -> Iterator[StepBatch | Event]:
        session, number = self._session, epoch % self._n_views
        order = epoch_order(len(session.train_rows_N), session.config.seed, self._first_epoch + epoch)
        for batch in range(first_batch, session.steps_per_epoch):
            positions = order[batch * session.batch_size : (batch + 1) * session.batch_size]
            yield from self._views.fill(number, positions)
            yield self._batch(number, positions)
        yield from self._views.fill(number)

    def again(self, rows_B: IntArray, epoch: int) -> StepBatch:
        """From pixels, so that one can look into the backbone too."""
        return _from_pixels(self._session, rows_B, view=epoch % self._n_views or None)

    def close(self) -> None:
        self._views.close()

    def _batch(self, number: int, positions: IntArray) -> StepBatch:
        view = self._views.view(number)
        places = torch.from_numpy(positions)
        on_device = places.to(view.emb_ND.device, non_blocking=True)
        device = self._session.device
        return StepBatch(
            indices_B=torch.from_numpy(self._session.train_rows_N[positions]),
            labels_B=self._labels_N[places.to(device, non_blocking=True)],
            emb_BD=view.emb_ND[on_device].to(device, non_blocking=True),
            same_image_B=view.same_image_N[on_device].to(device, non_blocking=True),
        )


class PixelFeed:
    """Batches of pixels, each epoch augmented anew; the stage embeds them itself."""

    cached = False

    def __init__(self, session: Session, stage: int) -> None:
        self._session = session
        self._stage = stage
        self._first_epoch = session.first_epoch(stage)
        data = session.config.data
        self._loader = BatchLoader(
            session.dataset,
            "train",
            batch_size=session.batch_size,
            seed=session.config.seed,
            shuffle=True,
            workers=data.workers,
            drop_last=True,
        )

    def epoch(self, epoch: int, first_batch: int) -> Iterator[StepBatch | Event]:
        number = self._first_epoch + epoch
        for batch in self._loader.epoch(number, start_batch=first_batch):
            assert batch.lr_B3hw is not None  # asked for by default
            yield self._batch(batch.indices_B, batch.hr_B3HW, batch.lr_B3hw, number)
            if self._loader.fallback:
                yield Notice("warning", self._session.position.step, self._loader.fallback)
                self._loader.fallback = ""

    def again(self, rows_B: IntArray, epoch: int) -> StepBatch:
        return _from_pixels(self._session, rows_B, view=self._first_epoch + epoch + 1)

    def close(self) -> None:
        self._loader.close()

    def _batch(
        self, rows_B: torch.Tensor, hr_B3HW: torch.Tensor, lr_B3hw: torch.Tensor, number: int
    ) -> StepBatch:
        session = self._session
        pulls = session.live.stage(self._stage).contrastive_weight > 0.0
        faces = session.pixels(
            hr_B3HW,
            lr_B3hw,
            rows_B,
            view=number + 1,
            twins=len(rows_B) if pulls else -(-len(rows_B) // TWIN_SHARE),
        )
        return StepBatch(rows_B, session.labels_of(rows_B.numpy()), faces=faces)


def _from_pixels(session: Session, rows_B: IntArray, *, view: int | None) -> StepBatch:
    """Images read one by one, outside the order of any epoch."""
    hr, lr = session.dataset.read_pair(rows_B)
    indices_B = torch.from_numpy(rows_B)
    faces = session.pixels(as_tensor(hr), as_tensor(lr), indices_B, view=view, twins=len(rows_B))
    return StepBatch(indices_B, session.labels_of(rows_B), faces=faces)


def embedding_facts(session: Session) -> dict[str, object]:
    """Everything that an embedding depends on besides its view; equal facts mean equal numbers."""
    data = session.config.data
    return {
        "data": session.dataset.fingerprint,
        "seed": session.config.seed,
        "weights": weights_hash(session.embedder.backbone),
        "super_resolution": [data.super_resolution, weights_hash(session.pixels.super_resolver)],
        "pixels": data.model_dump(
            include={
                "image_px",
                "train_on",
                "low_res_px",
                "normalisation",
                "flip",
                "colour_jitter",
                "rotation_deg",
            }
        ),
        "precision": [session.device.type, str(session.precision.dtype), session.embedder.chunk],
        "torch": torch.__version__,
    }
