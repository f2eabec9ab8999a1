"""Less to embed than the run has, where that would take a trial's whole time. Needs torch."""

from __future__ import annotations

from dataclasses import replace

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.engine.controls import LiveSettings
from edgeft_core.engine.embedding_store import EmbeddingStore
from edgeft_core.engine.samples import spread
from edgeft_core.engine.session import Session
from edgeft_core.proof import limits


def sample(session: Session, *, fresh: bool) -> str:
    """Bound what a trial has to embed; says what was left out, nothing where nothing was.

    A frozen backbone that sees something new embeds a part of the images, spread evenly, and passes over them as
    often as makes up for it, so that learning rates follow the same course. From a checkpoint the run's own
    embeddings are on disk; where they cannot be expected, batches are embedded as they come.

    Args:
        fresh: whether the twins start from the beginning.
    """
    stage = session.config.stages[0]
    images = len(session.train_rows_N)
    cached = not stage.train_backbone and stage.cached_views > 0
    if fresh and cached and images > limits.TRAINED_IMAGES:
        return _fewer_images(session, images)
    if images > limits.PIXELS_INSTEAD * limits.STEPS * session.config.data.batch_size:
        _put(session, dict.fromkeys(_keys(session.config, "cached_views"), 0))
        return "Images are embedded as they come, not all in advance."
    return ""


def _fewer_images(session: Session, images: int) -> str:
    dataset = session.dataset
    chosen = spread(session.train_rows_N, limits.TRAINED_IMAGES)
    session.dataset = replace(dataset, splits={**dataset.splits, "train": chosen})
    session.store = EmbeddingStore(None)  # what a part of the images gives is no cache for the run
    epochs = _keys(session.config, "epochs")
    more = images / len(chosen)
    _put(session, {key: min(10_000, round(value * more)) for key, value in epochs.items()})
    return f"Trained on {len(chosen)} of {images} images, spread evenly."


def _keys(config: RunConfig, name: str) -> dict[str, int]:
    return {f"stages.{index}.{name}": getattr(stage, name) for index, stage in enumerate(config.stages)}


def _put(session: Session, changes: dict[str, int]) -> None:
    session.config = with_values(session.config, changes)
    session.live = LiveSettings(session.config)
