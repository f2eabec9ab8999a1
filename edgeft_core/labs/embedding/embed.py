"""Embedding images of a run, or of data and weights, for a lab. On the CPU; needs torch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell
from edgeft_core.diagnostics.probes.faces import embed
from edgeft_core.engine.embeddings_taken import IMAGES_AT_MOST
from edgeft_core.engine.samples import spread
from edgeft_core.errors import DataError
from edgeft_core.events import EmbeddingsTaken, IntArray, SampleSet
from edgeft_core.labs.embedding import Weights, place_of
from edgeft_core.models.heads.margin_head import unit
from edgeft_core.store.embeddings import write_embeddings

CHUNK = 64
KEPT_AT_MOST = 20
"""Answers that stay in the cache, some 6 MB each at 518 classes; the oldest go first."""


def embed_for_lab(config: RunConfig, *, cache: Path, run_folder: Path | None, tell: Tell) -> Path:
    """Embed, and leave both sets below the returned folder, in one folder for each version of the class weights.

    Args:
        config: the settings in force.
        run_folder: of a run, whose last checkpoint is used; None takes the config's weights and a fresh head.

    Raises:
        EdgeFTError: data, weights or checkpoint cannot be read, or do not fit.
    """
    place = place_of(cache, config, run_folder)
    tell("Opening data and weights", 0, 1)
    context = ProbeContext.open(config, folder=run_folder or place, cache=cache, tell=tell)
    sets: dict[SampleSet, tuple[Tensor, IntArray]] = {
        "validation": _validation(context, tell),
        "train": _training(context),
    }
    head_CD = normalize(context.session.head.weight.detach().float(), dim=1)
    mean_D = _running_mean(context, sets["train"][0])
    versions: dict[Weights, Tensor] = {
        "head": head_CD,
        "means": _class_means(*sets["train"], like_CD=head_CD),
    }
    for weights, w_CD in versions.items():
        for taken in _taken(context, sets, w_CD, mean_D):
            write_embeddings(place / weights, taken)
    _forget_old(place.parent)
    return place


def _forget_old(folder: Path) -> None:
    places = sorted(
        (path for path in folder.iterdir() if path.is_dir()),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for path in places[KEPT_AT_MOST:]:
        shutil.rmtree(path, ignore_errors=True)


def _validation(context: ProbeContext, tell: Tell) -> tuple[Tensor, IntArray]:
    """Validation images of people who have training images; unit embeddings and labels."""
    session = context.session
    rows_N = session.dataset.splits["validation"]
    known_N = session.trained_classes_C()[session.dataset.labels_N[rows_N]]
    chosen = spread(rows_N[known_N], IMAGES_AT_MOST)
    parts = []
    for start in range(0, len(chosen), CHUNK):
        faces = context.faces(chosen[start : start + CHUNK])
        parts.append(embed(context.network, faces, context.config.data.normalisation))
        tell("Embedding validation images", min(start + CHUNK, len(chosen)), len(chosen))
    emb_ND = torch.cat(parts) if parts else torch.empty(0, context.config.backbone.embedding_dim)
    return unit(emb_ND), session.dataset.labels_N[chosen]


def _training(context: ProbeContext) -> tuple[Tensor, IntArray]:
    """Some training images of everybody."""
    learned = context.learned
    if not len(learned.rows_N):
        raise DataError("There is no training image to embed; check the data on Launch.")
    return unit(learned.emb_ND.float()), learned.labels_N.numpy()


def _running_mean(context: ProbeContext, z_ND: Tensor) -> Tensor:
    """What centring subtracts: the head's running mean, or before training the mean of the training images."""
    running = context.session.head.running_mean
    return running.mean_D().float() if float(running.total) > 0 else z_ND.mean(dim=0)


def _class_means(z_ND: Tensor, labels_N: IntArray, *, like_CD: Tensor) -> Tensor:
    """Mean direction of each class' training images; a class without any keeps the head's weight."""
    sums_CD = torch.zeros_like(like_CD).index_add_(0, torch.from_numpy(labels_N), z_ND)
    empty_C1 = (torch.linalg.vector_norm(sums_CD, dim=1) < 1e-6)[:, None]
    return normalize(torch.where(empty_C1, like_CD, sums_CD), dim=1)


def _taken(
    context: ProbeContext, sets: dict[SampleSet, tuple[Tensor, IntArray]], w_CD: Tensor, mean_D: Tensor
) -> Iterator[EmbeddingsTaken]:
    for split, (z_ND, labels_N) in sets.items():
        if not len(labels_N):
            continue
        places = spread(np.arange(len(labels_N)), IMAGES_AT_MOST)
        yield EmbeddingsTaken(
            split=split,
            step=context.step,
            total=len(context.session.dataset.splits[split]),
            labels_N=labels_N[places].astype(np.int64),
            z_ND=z_ND[torch.from_numpy(places)].cpu().numpy(),
            w_CD=w_CD.cpu().numpy(),
            mean_D=mean_D.cpu().numpy(),
        )
