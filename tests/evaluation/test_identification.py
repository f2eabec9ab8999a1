"""Identification scores on small tables that can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from edgeft_core.evaluation.identification import class_means, identification, nearest_class_mean

LOGITS = torch.tensor(
    [
        [9.0, 1.0, 0.0, 0.0, 0.0, 0.0],  # right
        [9.0, 8.0, 7.0, 6.0, 5.0, 4.0],  # fifth best
        [9.0, 8.0, 7.0, 6.0, 5.0, 4.0],  # sixth
        [9.0, 10.0, 0.0, 0.0, 0.0, 0.0],  # second
    ]
)
LABELS = torch.tensor([0, 4, 5, 0])


def test_top_1_and_top_5_count_ranks() -> None:
    scores = identification([(LOGITS, LABELS)])
    assert (scores.images, scores.top1, scores.top5) == (4, 0.25, 0.75)


def test_the_use_of_classes_is_that_of_the_predictions() -> None:
    scores = identification([(LOGITS, LABELS)])
    assert scores.max_class_share == 0.75
    assert scores.unique_classes == 2
    assert scores.effective_classes == pytest.approx(
        math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    )


def test_blocks_score_like_one_table() -> None:
    whole = identification([(LOGITS, LABELS)]).as_dict()
    parts = identification([(LOGITS[:3], LABELS[:3]), (LOGITS[3:], LABELS[3:])]).as_dict()
    assert parts == pytest.approx(whole)


def test_class_means_are_unit_vectors_and_zero_without_images() -> None:
    means = class_means(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([2, 2]), 3)
    assert means[2].tolist() == pytest.approx([math.sqrt(0.5)] * 2)
    assert not means[:2].any()


def test_removing_the_mean_rescues_embeddings_that_share_one_direction() -> None:
    generator = torch.Generator().manual_seed(0)
    people = torch.randn(20, 64, generator=generator)
    common = 60 * torch.randn(1, 64, generator=generator)
    labels = torch.arange(20).repeat(6)

    def shots() -> torch.Tensor:
        # Exposure-like gain: along the common direction it drowns who is shown.
        gain = 1 + 0.3 * torch.randn(120, 1, generator=generator)
        return normalize(
            people[labels] + 0.8 * torch.randn(120, 64, generator=generator) + gain * common, dim=1
        )

    gallery, probe = shots(), shots()
    plain = nearest_class_mean(gallery, labels, probe, labels, 20)
    centred = nearest_class_mean(gallery, labels, probe, labels, 20, centre=True)
    assert centred.top1 > plain.top1
