"""Scoring images that were not trained on: identification, similarity and samples, margin off."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.engine.embedder import embed_plain
from edgeft_core.engine.embedding_store import cache_key
from edgeft_core.engine.feeds import embedding_facts
from edgeft_core.engine.forward import plain_logits
from edgeft_core.engine.samples import spread, take
from edgeft_core.engine.session import Session
from edgeft_core.evaluation.identification import identification
from edgeft_core.evaluation.similarity import similarity
from edgeft_core.events import Event, IntArray, Notice, Progress, SampleSet, SamplesTaken

ROWS_AT_ONCE = 1024
PREFIX: dict[SampleSet, str] = {"train": "train_", "validation": "val_", "test": "test_"}


@dataclass(frozen=True)
class Embedded:
    """Plain images of one split and their other resolution, embedded (not normalised)."""

    rows_N: IntArray
    emb_ND: Tensor
    twin_ND: Tensor


@dataclass(frozen=True)
class Scores:
    """``scalars`` carry the split's prefix (``val_top1``); empty where the split has no image."""

    scalars: dict[str, float]
    samples: SamplesTaken | None


def embed_split(session: Session, split: SampleSet, limit: int) -> Generator[Event, None, Embedded]:
    """Embed at most ``limit`` images of a split; read from disk where the same weights have done it before."""
    rows_N = spread(session.dataset.splits[split], limit)
    cacheable = not session.backbone_changed
    key = (
        cache_key({**embedding_facts(session), "split": split, "rows": rows_N.tolist()}) if cacheable else ""
    )
    kept = session.store.load(key) if cacheable else None
    if kept is not None:
        return Embedded(rows_N, kept["emb_ND"].to(session.device), kept["twin_ND"].to(session.device))
    parts: list[tuple[Tensor, Tensor]] = []
    for part in embed_plain(session.embedder, session.pixels, session.dataset, rows_N):
        parts.append(part)
        done = sum(len(emb) for emb, _ in parts)
        yield Progress(f"Embedding {split} images", done, len(rows_N))
    empty = torch.empty(0, session.config.backbone.embedding_dim, device=session.device)
    emb_ND = torch.cat([emb for emb, _ in parts]) if parts else empty
    twin_ND = torch.cat([twin for _, twin in parts]) if parts else empty
    if cacheable:
        trouble = session.store.save(key, {"emb_ND": emb_ND, "twin_ND": twin_ND})
        if trouble:
            yield Notice("warning", session.position.step, trouble)
    return Embedded(rows_N, emb_ND, twin_ND)


@torch.no_grad()
def score(session: Session, split: SampleSet, embedded: Embedded) -> Scores:
    """Score embedded images with the head as it is. Classes without training images are not identified."""
    if not len(embedded.rows_N):
        return Scores({}, None)
    labels_N = session.labels_of(embedded.rows_N)
    z_ND, twin_ND = normalize(embedded.emb_ND, dim=1), normalize(embedded.twin_ND, dim=1)
    values = similarity(z_ND, labels_N, twin_ND).as_dict()
    known_N = torch.from_numpy(session.trained_classes_C()[session.dataset.labels_N[embedded.rows_N]])
    if bool(known_N.any()):
        known_N = known_N.to(session.device)
        emb_ND, labels_N = embedded.emb_ND[known_N], labels_N[known_N]
        values |= identification(_logit_blocks(session, emb_ND, labels_N)).as_dict()
    prefix = PREFIX[split]
    return Scores(
        {prefix + name: value for name, value in values.items()}, _samples(session, split, embedded)
    )


def _samples(session: Session, split: SampleSet, embedded: Embedded) -> SamplesTaken:
    places = spread(torch.arange(len(embedded.rows_N)).numpy(), session.config.monitor.sample_images)
    rows_N = embedded.rows_N[places]
    logits_NC = plain_logits(session.head, embedded.emb_ND[torch.from_numpy(places).to(session.device)])
    return take(split, session.position.step, session.dataset, rows_N, logits_NC)


def _logit_blocks(session: Session, emb_ND: Tensor, labels_N: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    session.head.eval()
    for start in range(0, len(emb_ND), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield plain_logits(session.head, emb_ND[rows]), labels_N[rows]
