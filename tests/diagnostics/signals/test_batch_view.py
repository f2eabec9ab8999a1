"""All per-batch signals together on one batch."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from edgeft_core.diagnostics.signals import BATCH_SIGNALS, EMBEDDING_SIGNALS, BatchView, EmbeddingView


def embeddings(seed: int = 0) -> EmbeddingView:
    generator = torch.Generator().manual_seed(seed)
    emb = 3.0 * torch.randn(32, 64, generator=generator)
    return EmbeddingView(emb, torch.randint(0, 50, (32,), generator=generator))


def view(scale: float = 16.0, seed: int = 0) -> BatchView:
    embedded, generator = embeddings(seed), torch.Generator().manual_seed(seed + 1000)
    cos = embedded.z_BD @ normalize(torch.randn(50, 64, generator=generator), dim=1).T
    own_B = cos.gather(1, embedded.labels_B[:, None]).squeeze(1)
    return BatchView(own_B, scale * cos, embedded.labels_B, s_eff=scale)


@pytest.mark.parametrize("name", BATCH_SIGNALS)
def test_several_steps_together_give_each_its_own_number(name: str) -> None:
    steps = [view(seed=seed) for seed in range(3)]
    together = BATCH_SIGNALS[name](BatchView.stacked(steps))
    assert together.tolist() == pytest.approx([float(BATCH_SIGNALS[name](one)) for one in steps], rel=1e-5)


@pytest.mark.parametrize("name", EMBEDDING_SIGNALS)
def test_embeddings_of_several_steps_together_give_each_its_own_number(name: str) -> None:
    steps = [embeddings(seed) for seed in range(3)]
    together = EMBEDDING_SIGNALS[name](EmbeddingView.stacked(steps))
    each = [float(EMBEDDING_SIGNALS[name](one)) for one in steps]
    assert together.tolist() == pytest.approx(each, rel=1e-5)
    assert len(set(each)) == 3


def test_steps_under_other_settings_do_not_go_together() -> None:
    assert view().goes_with(view(seed=1))
    assert not view().goes_with(view(scale=8.0))


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


def test_the_view_knows_predictions_rivals_and_the_five_best() -> None:
    batch = view()
    assert torch.equal(batch.predicted_B, batch.logits_BC.argmax(dim=1))
    for row in range(32):
        label, row_C = int(batch.labels_B[row]), batch.logits_BC[row]
        ranked = row_C.argsort(descending=True)[:5].tolist()
        others = torch.cat([row_C[:label], row_C[label + 1 :]])
        assert bool(batch.top5_hit_B[row]) == (label in ranked)
        assert float(batch.rival_logit_B[row]) == float(others.max())
        assert float(batch.own_logit_B[row]) == float(row_C[label])


def test_the_embedding_norm_is_that_of_the_raw_embeddings() -> None:
    emb = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    embedded = EmbeddingView(emb, torch.zeros(2, dtype=torch.long))
    assert float(EMBEDDING_SIGNALS["emb_norm"](embedded)) == pytest.approx(3.0)
    assert torch.equal(embedded.z_BD, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))


def test_signals_leave_the_tensors_of_the_batch_as_they_were() -> None:
    batch, embedded = view(), embeddings()
    tensors = (embedded.emb_BD, batch.own_cos_B, batch.logits_BC)
    before = [one.clone() for one in tensors]
    for signal in BATCH_SIGNALS.values():
        signal(batch)
    for of_embeddings in EMBEDDING_SIGNALS.values():
        of_embeddings(embedded)
    assert all(map(torch.equal, before, tensors))
