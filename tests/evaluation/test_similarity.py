"""Pair cosines against a loop over all pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from edgeft_core.evaluation import similarity as module
from edgeft_core.evaluation.similarity import similarity


def faces(n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) // 4
    people = torch.randn(n // 4, 16, generator=generator)
    return normalize(people[labels] + 0.7 * torch.randn(n, 16, generator=generator), dim=1), labels


def test_same_different_and_d_prime_are_those_of_all_pairs() -> None:
    z, labels = faces()
    same: list[float] = []
    different: list[float] = []
    for i, j in itertools.combinations(range(len(z)), 2):
        (same if labels[i] == labels[j] else different).append(float(np.dot(z[i].numpy(), z[j].numpy())))
    found = similarity(z, labels)
    assert found.same == pytest.approx(np.mean(same), abs=1e-6)
    assert found.different == pytest.approx(np.mean(different), abs=1e-6)
    d_prime = (np.mean(same) - np.mean(different)) / np.sqrt((np.var(same) + np.var(different)) / 2)
    assert found.d_prime == pytest.approx(d_prime, abs=1e-4)


def test_blocks_of_rows_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    z, labels = faces()
    whole = similarity(z, labels).as_dict()
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    assert similarity(z, labels).as_dict() == pytest.approx(whole)


def test_what_cannot_be_measured_is_left_out() -> None:
    z, _ = faces(8)
    assert set(similarity(z, torch.arange(8)).as_dict()) == {"cos_different"}
    assert math.isnan(similarity(z, torch.arange(8)).d_prime)


def test_one_vector_for_everyone_looks_perfect_until_it_is_compared() -> None:
    z = normalize(torch.ones(12, 16), dim=1)
    found = similarity(z, torch.arange(12) // 3, z)
    assert found.same_image == pytest.approx(1.0)
    assert found.different == pytest.approx(1.0)
