"""All per-batch signals together on one batch."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from edgeft_core.diagnostics.signals import BATCH_SIGNALS, BatchView


def view(scale: float = 16.0) -> BatchView:
    generator = torch.Generator().manual_seed(0)
    emb = 3.0 * torch.randn(32, 64, generator=generator)
    cos = normalize(emb, dim=1) @ normalize(torch.randn(50, 64, generator=generator), dim=1).T
    labels = torch.randint(0, 50, (32,), generator=generator)
    return BatchView(emb, cos, scale * cos, labels, s_eff=scale)


@pytest.mark.parametrize("name", BATCH_SIGNALS)
def test_every_signal_of_a_batch_is_one_finite_number(name: str) -> None:
    value = BATCH_SIGNALS[name](view())
    assert value.shape == ()
    assert math.isfinite(float(value))


def test_the_top_probability_is_that_of_a_softmax_over_the_logits() -> None:
    batch = view()
    probs = torch.softmax(batch.logits_BC, dim=1).amax(dim=1)
    assert float(BATCH_SIGNALS["prob_top_mean"](batch)) == pytest.approx(float(probs.mean()), rel=1e-5)
    assert float(BATCH_SIGNALS["prob_top_max"](batch)) == pytest.approx(float(probs.max()), rel=1e-5)


def test_signals_leave_the_tensors_of_the_batch_as_they_were() -> None:
    batch = view()
    before = [t.clone() for t in (batch.emb_BD, batch.cos_BC, batch.logits_BC)]
    for signal in BATCH_SIGNALS.values():
        signal(batch)
    assert all(map(torch.equal, before, (batch.emb_BD, batch.cos_BC, batch.logits_BC)))
