"""The running mean embedding: its arithmetic, when it moves, and what taking it away does."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from edgeft_core.config import HeadConfig
from edgeft_core.models.heads import MarginHead, build_head
from edgeft_core.models.heads.centring import RunningMean


def unit_rows(rows: int, dim: int, seed: int) -> torch.Tensor:
    return normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed)))


def with_common_mode(rows: int, dim: int, seed: int) -> torch.Tensor:
    """Embeddings of mean cosine about 0.9: one direction shared by all."""
    common = torch.zeros(dim)
    common[0] = 3.0
    return 5 * (unit_rows(rows, dim, seed) + common)


def head(*, centre: bool = False) -> MarginHead:
    return build_head(HeadConfig(centre=centre), 32, 6, torch.Generator().manual_seed(0))


def test_after_one_batch_the_mean_is_that_batchs_mean() -> None:
    mean, batch = RunningMean(8), unit_rows(5, 8, 1)
    mean.update(batch)
    torch.testing.assert_close(mean.mean_D(), batch.mean(0))


def test_the_mean_is_the_bias_corrected_moving_average() -> None:
    mean = RunningMean(8, momentum=0.9)
    batches = [unit_rows(5, 8, seed) for seed in range(4)]
    for batch in batches:
        mean.update(batch)
    shares = [0.1 * 0.9 ** (3 - i) for i in range(4)]
    expected = sum(
        (share * batch.mean(0) for share, batch in zip(shares, batches, strict=True)), torch.zeros(8)
    )
    torch.testing.assert_close(mean.mean_D(), expected / sum(shares))


def test_before_any_batch_nothing_is_subtracted() -> None:
    batch = unit_rows(5, 8, 1)
    torch.testing.assert_close(RunningMean(8).remove_from(batch), batch)


def test_a_batch_with_nan_leaves_the_mean_as_it_was() -> None:
    mean = RunningMean(8)
    mean.update(unit_rows(5, 8, 1))
    before = mean.mean_D().clone()
    for bad in (float("nan"), float("inf"), float("-inf")):
        mean.update(torch.full((5, 8), bad))
    assert torch.equal(mean.mean_D(), before)


def test_the_mean_follows_in_training_even_while_centring_is_off() -> None:
    off = head(centre=False)
    emb = with_common_mode(16, 32, 2)
    off(emb, torch.arange(16) % 6)
    torch.testing.assert_close(off.running_mean.mean_D(), normalize(emb).mean(0))


def test_evaluation_never_moves_the_mean() -> None:
    one = head(centre=True).eval()
    one(with_common_mode(16, 32, 2), torch.arange(16) % 6)
    one.cosines(with_common_mode(16, 32, 2))
    assert one.running_mean.total.item() == 0.0


def test_switched_on_live_it_scores_by_the_centred_directions() -> None:
    one = head()
    emb, labels = with_common_mode(64, 32, 3), torch.arange(64) % 6
    one(emb, labels)
    one.eval()
    one.centre = True
    z = normalize(emb)
    centred = normalize(z - z.mean(0))
    assert (z @ z.T).mean().item() > 0.8
    assert abs((centred @ centred.T).mean().item()) < 0.05
    torch.testing.assert_close(one(emb, labels).cos_BC, centred @ normalize(one.weight.detach()).T)


def test_faces_that_all_coincide_are_not_blown_up_into_noise() -> None:
    one = head(centre=True)
    emb = torch.ones(16, 32).requires_grad_()
    out = one(emb, torch.arange(16) % 6)
    out.loss.backward()
    assert out.cos_BC.abs().max().item() < 1e-2
    assert emb.grad is not None
    assert bool(torch.isfinite(emb.grad).all())


def test_a_checkpoint_carries_the_mean() -> None:
    one, other = head(), head()
    one(with_common_mode(16, 32, 4), torch.arange(16) % 6)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.running_mean.mean_D(), other.running_mean.mean_D())
