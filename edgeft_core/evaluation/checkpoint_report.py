"""What a checkpoint of a run can do on one of its splits: identification, verification, similarity."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.config import RunConfig
from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.checkpoints import restore_session
from edgeft_core.engine.examination import PREFIX, Embedded, embed_split, score
from edgeft_core.engine.preparation import prepare
from edgeft_core.engine.session import Session
from edgeft_core.errors import DataError
from edgeft_core.evaluation.identification import nearest_class_mean
from edgeft_core.evaluation.verification import verification
from edgeft_core.events import Event, SampleSet

IMAGES_AT_MOST = 100_000


def evaluate_checkpoint(
    config: RunConfig, checkpoint: Path, split: SampleSet, *, folder: Path, cache: Path
) -> Generator[Event, None, dict[str, Any]]:
    """Score one split; yields how far it is and returns the report.

    Returns:
        ``{"split", "step", "images", "classes", "identification", "nearest_class_mean", "verification",
        "similarity"}``; shares between 0 and 1. ``nearest_class_mean`` uses the training images as gallery and needs
        no head; ``verification`` is None without genuine or impostor pairs.

    Raises:
        RequestError: data, weights or checkpoint cannot be had, or the split has no image.
    """
    session = yield from prepare(config, folder=folder, cache=cache)
    restore_session(session, checkpoint_file.read(checkpoint))
    session.embedder.train_mode(False)
    embedded = yield from embed_split(session, split, IMAGES_AT_MOST)
    if not len(embedded.rows_N):
        raise DataError(f"The {split} split has no image; choose another with --split.")
    gallery = yield from embed_split(session, "train", IMAGES_AT_MOST)
    scalars = {
        name.removeprefix(PREFIX[split]): value
        for name, value in score(session, split, embedded).scalars.items()
    }
    similar = {
        name: scalars.pop(name) for name in list(scalars) if name.startswith("cos_") or name == "d_prime"
    }
    return {
        "split": split,
        "step": session.position.step,
        "images": len(embedded.rows_N),
        "classes": session.dataset.n_classes,
        "identification": scalars,
        "nearest_class_mean": _nearest(session, gallery, embedded),
        "verification": _verified(session, embedded),
        "similarity": similar,
    }


def _nearest(session: Session, gallery: Embedded, probe: Embedded) -> dict[str, float]:
    scores = nearest_class_mean(
        _unit(gallery),
        session.labels_of(gallery.rows_N),
        _unit(probe),
        session.labels_of(probe.rows_N),
        session.dataset.n_classes,
    )
    return {"top1": scores.top1, "top5": scores.top5}


def _verified(session: Session, embedded: Embedded) -> dict[str, Any] | None:
    found = verification(_unit(embedded).cpu().numpy(), session.dataset.labels_N[embedded.rows_N])
    if found is None:
        return None
    return {**asdict(found), "tar_at_far": {f"{far:g}": tar for far, tar in found.tar_at_far.items()}}


@torch.no_grad()
def _unit(embedded: Embedded) -> Tensor:
    return normalize(embedded.emb_ND, dim=1)
