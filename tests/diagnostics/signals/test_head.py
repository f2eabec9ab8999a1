"""Signals of class weights against the full matrix of cosines."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.diagnostics.signals import head


def prototypes(n: int, d: int = 16) -> Tensor:
    return normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(0)), dim=1)


def off_diagonal(w_CD: Tensor) -> Tensor:
    cos = w_CD @ w_CD.T
    return cos[~torch.eye(len(w_CD), dtype=torch.bool)]


@pytest.mark.parametrize("n", [2, 37])
def test_mean_and_largest_cosine_are_those_off_the_diagonal(n: int) -> None:
    w = prototypes(n)
    assert float(head.mean_cosine(w)) == pytest.approx(float(off_diagonal(w).mean()), abs=1e-5)
    assert float(head.max_cosine(w)) == pytest.approx(float(off_diagonal(w).max()), abs=1e-6)


def test_blocks_of_rows_find_the_same_largest_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    w = prototypes(50)
    monkeypatch.setattr(head, "_ROWS_AT_ONCE", 8)
    assert float(head.max_cosine(w)) == pytest.approx(float(off_diagonal(w).max()), abs=1e-6)


def test_of_very_many_classes_an_even_selection_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    w = prototypes(50)
    monkeypatch.setattr(head, "CLASSES_AT_MOST", 25)
    assert float(head.max_cosine(w)) == pytest.approx(float(off_diagonal(w[::2]).max()), abs=1e-6)


def test_merged_prototypes_have_a_cosine_of_one() -> None:
    w = prototypes(10)
    w[7] = w[2]
    assert float(head.max_cosine(w)) == pytest.approx(1.0, abs=1e-6)


def test_a_perfect_simplex_has_the_smallest_mean_cosine() -> None:
    simplex = normalize(torch.eye(5) - 1 / 5, dim=1)
    assert float(head.mean_cosine(simplex)) == pytest.approx(-1 / 4, abs=1e-6)
