"""Embeddings that a run hands out for the labs: when, how many, and that they are the ones it scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeft_core.engine import embeddings_taken
from edgeft_core.engine.embeddings_taken import take
from edgeft_core.events import EmbeddingsTaken, Event, SamplesTaken, SignalsMeasured
from edgeft_core.models.heads import ArcFace
from tests.engine.runs import of


def test_they_come_with_the_first_step_the_schedule_and_every_validation(whole_run: list[Event]) -> None:
    told = [(event.split, event.step) for event in of(EmbeddingsTaken, whole_run)]
    assert [step for split, step in told if split == "train"] == [1, 4, 8, 12, 16, 20, 24]
    assert [step for split, step in told if split == "validation"] == [6, 12, 18, 24]


def test_plain_cosines_of_the_validation_set_predict_what_the_run_said(whole_run: list[Event]) -> None:
    for taken in (one for one in of(EmbeddingsTaken, whole_run) if one.split == "validation"):
        scores = next(
            one.scalars
            for one in of(SignalsMeasured, whole_run)
            if one.step == taken.step and "val_top1" in one.scalars
        )
        predicted_N = (taken.z_ND @ taken.w_CD.T).argmax(axis=1)
        assert np.mean(predicted_N == taken.labels_N) == pytest.approx(scores["val_top1"])
        assert (len(taken.labels_N), taken.total) == (12, 12)


def test_everything_has_length_one_and_is_plain_numpy(whole_run: list[Event]) -> None:
    for taken in of(EmbeddingsTaken, whole_run):
        np.testing.assert_allclose(np.linalg.norm(taken.z_ND, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(taken.w_CD, axis=1), 1, atol=1e-5)
        assert taken.mean_D.shape == (32,)
        assert 0 < np.linalg.norm(taken.mean_D) <= 1


def test_labels_are_those_of_the_samples_of_the_same_batch(whole_run: list[Event]) -> None:
    samples = {one.step: one for one in of(SamplesTaken, whole_run) if one.split == "train"}
    for taken in (one for one in of(EmbeddingsTaken, whole_run) if one.split == "train"):
        assert taken.labels_N.tolist() == samples[taken.step].labels_N.tolist()


def test_a_large_set_is_thinned_evenly() -> None:
    head = ArcFace(4, 3)
    taken = take("train", 1, head, torch.randn(2500, 4), torch.arange(2500), total=9000)
    assert len(taken.labels_N) == embeddings_taken.IMAGES_AT_MOST
    assert (taken.labels_N[0], taken.labels_N[-1]) == (0, 2499)
    assert taken.total == 9000


def test_a_head_that_is_too_large_to_be_kept_is_left_to_its_checkpoint() -> None:
    assert embeddings_taken.is_small(ArcFace(512, 10_000))
    assert not embeddings_taken.is_small(ArcFace(512, 20_000))
