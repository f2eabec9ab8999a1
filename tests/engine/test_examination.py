"""Scoring what was not trained on: who is scored, from which images, and with which embeddings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from edgeft_core.engine.embedder import embed_plain
from edgeft_core.engine.examination import embed_split, score
from edgeft_core.engine.heavy_signals import RECENT_IMAGES, prototypes_of, spread_of
from edgeft_core.engine.samples import spread
from edgeft_core.engine.session import Session
from edgeft_core.events import Progress
from tests.engine.runs import tiny
from tests.engine.sessions import drained, session_of


@pytest.fixture
def session(home: Path) -> Session:
    session = session_of(tiny(), home)
    session.embedder.train_mode(False)
    return session


def test_scores_are_those_of_plain_images_with_the_margin_off(session: Session) -> None:
    rows = session.dataset.splits["validation"]
    emb = torch.cat(
        [part for part, _ in embed_plain(session.embedder, session.pixels, session.dataset, rows)]
    )
    weight = normalize(session.head.weight.detach(), dim=1)
    predicted = (normalize(emb, dim=1) @ weight.T).argmax(dim=1).numpy()
    scores = score(session, "validation", drained(embed_split(session, "validation", 100))[1])
    assert scores.scalars["val_top1"] == pytest.approx(np.mean(predicted == session.dataset.labels_N[rows]))
    assert scores.samples is not None
    assert scores.samples.top_NK[:, 0].tolist() == predicted[[0, 2, 3, 5, 6, 8, 9, 11]].tolist()


def test_people_without_training_images_are_compared_but_not_identified(session: Session) -> None:
    dataset = session.dataset
    untrained = dataset.labels_N[dataset.splits["train"]] == 3
    train = dataset.splits["train"][~untrained]
    session.dataset = dataclasses.replace(dataset, splits={**dataset.splits, "train": train})
    embedded = drained(embed_split(session, "validation", 100))[1]
    with_all = score(session, "validation", embedded).scalars
    labels = dataset.labels_N[embedded.rows_N]
    keep = torch.from_numpy(labels != 3)
    one = dataclasses.replace(
        embedded,
        rows_N=embedded.rows_N[keep.numpy()],
        emb_ND=embedded.emb_ND[keep],
        twin_ND=embedded.twin_ND[keep],
    )
    assert with_all["val_loss"] == pytest.approx(score(session, "validation", one).scalars["val_loss"])


def test_splits_that_share_nobody_are_never_scored_as_identification(session: Session) -> None:
    dataset = session.dataset
    only_first = dataset.splits["train"][dataset.labels_N[dataset.splits["train"]] == 0]
    others = dataset.splits["validation"][dataset.labels_N[dataset.splits["validation"]] != 0]
    session.dataset = dataclasses.replace(
        dataset, splits={**dataset.splits, "train": only_first, "validation": others}
    )
    scalars = score(session, "validation", drained(embed_split(session, "validation", 100))[1]).scalars
    assert "val_top1" not in scalars
    assert "val_cos_different" in scalars


def test_an_empty_split_has_no_scores(session: Session) -> None:
    empty = np.zeros(0, np.int64)
    session.dataset = dataclasses.replace(session.dataset, splits={**session.dataset.splits, "test": empty})
    scores = score(session, "test", drained(embed_split(session, "test", 100))[1])
    assert (scores.scalars, scores.samples) == ({}, None)


def test_a_frozen_split_is_embedded_once_and_then_read(session: Session) -> None:
    first_news, first = drained(embed_split(session, "test", 7))
    again_news, again = drained(embed_split(session, "test", 7))
    assert not [one for one in again_news if isinstance(one, Progress)]
    assert len(first_news) <= 1
    assert torch.equal(first.emb_ND, again.emb_ND)
    assert torch.equal(first.twin_ND, again.twin_ND)
    assert len(first.rows_N) == 7


def test_a_subset_is_spread_over_all_images_and_always_the_same() -> None:
    rows = np.arange(100, 1100)
    assert spread(rows, 5).tolist() == [100, 350, 600, 849, 1099]
    assert spread(rows, 2000) is rows


def test_heavy_signals_look_at_recent_images_and_unit_class_weights() -> None:
    generator = torch.Generator().manual_seed(0)
    recent = normalize(torch.randn(RECENT_IMAGES, 16, generator=generator), dim=1)
    older = normalize(torch.ones(50, 16), dim=1)
    weight = 5 * torch.randn(9, 16, generator=generator)
    assert spread_of(torch.cat([older, recent])) == pytest.approx(spread_of(recent), rel=1e-5)
    assert prototypes_of(weight) == pytest.approx(prototypes_of(normalize(weight, dim=1)), rel=1e-5)
