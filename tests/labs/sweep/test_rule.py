"""The written-out gradient of many heads, against autograd through the engine's own heads."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.config import HeadConfig
from edgeft_core.labs.sweep.rule import Rule
from edgeft_core.labs.sweep.tile import Scratch, Step, Tile
from edgeft_core.models.heads import MarginHead, build_head

CPU = torch.device("cpu")
IMAGES, CLASSES, DIM = 16, 7, 12
HEADS = [
    HeadConfig(kind="arcface", scale=32.0, margin_rad=0.3),
    HeadConfig(kind="arcface", scale=8.0, margin_rad=1.4, temperature=4.0, label_smoothing=0.2),
    HeadConfig(kind="cosface", scale=16.0, margin_rad=0.35, label_smoothing=0.08),
    HeadConfig(kind="softmax", scale=64.0, margin_rad=0.5, temperature=2.0),
]
Case = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def case() -> Case:
    """Weights of every head, unit embeddings and labels; one face lies on its class, one opposite to it."""
    random = torch.Generator().manual_seed(7)
    weight_KCD = torch.randn(len(HEADS), CLASSES, DIM, generator=random)
    z_BD = normalize(torch.randn(IMAGES, DIM, generator=random), dim=1)
    labels_B = torch.randint(CLASSES, (IMAGES,), generator=random)
    z_BD[0] = normalize(weight_KCD[0, labels_B[0]], dim=0)
    z_BD[1] = -normalize(weight_KCD[1, labels_B[1]], dim=0)
    return weight_KCD, z_BD, labels_B


def engine_heads(weight_KCD: Tensor) -> list[MarginHead]:
    heads = [build_head(config, DIM, CLASSES) for config in HEADS]
    for head, weight_CD in zip(heads, weight_KCD, strict=True):
        head.weight.data.copy_(weight_CD)
    return heads


def tile_of(weight_KCD: Tensor, *, rates: Tensor, clip_norm: float, weight_decay: float = 0.0) -> Tile:
    return Tile(
        heads=slice(0, len(HEADS)),
        centre=False,
        weight_kCD=weight_KCD,
        mean_kCD=torch.zeros_like(weight_KCD),
        square_kCD=torch.zeros_like(weight_KCD),
        rule=Rule.of(HEADS, CPU),
        rate_k11=rates[:, None, None],
        clip_norm=clip_norm,
        weight_decay=weight_decay,
    )


def test_the_gradient_of_cosines_is_that_of_autograd(case: Case) -> None:
    weight_KCD, z_BD, labels_B = case
    heads = engine_heads(weight_KCD)
    cos_BKC = torch.stack([head.cosines(z_BD).detach() for head in heads], dim=1)
    places_BK1 = labels_B[:, None, None].expand(-1, len(HEADS), 1)
    ours_BKC = Rule.of(HEADS, CPU).gradient(cos_BKC, cos_BKC.gather(2, places_BK1), places_BK1)
    for number, head in enumerate(heads):
        cos_BC = cos_BKC[:, number].clone().requires_grad_()
        head.scored(cos_BC, labels_B).loss.backward()  # type: ignore[no-untyped-call]
        assert cos_BC.grad is not None
        torch.testing.assert_close(ours_BKC[:, number], cos_BC.grad, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("clip_norm", [1e4, 0.05])
def test_steps_are_those_of_the_engines_head_and_optimiser(case: Case, clip_norm: float) -> None:
    weight_KCD, z_BD, labels_B = case
    heads = engine_heads(weight_KCD)
    rates = torch.tensor([1e-2, 1e-3, 0.1, 0.0])
    tile = tile_of(weight_KCD.clone(), rates=rates, clip_norm=clip_norm, weight_decay=0.01)
    scratch = Scratch.of(tile.weight_kCD.numel(), CPU)
    optimisers = [
        torch.optim.AdamW(head.parameters(), lr=rate, weight_decay=0.01)
        for head, rate in zip(heads, rates.tolist(), strict=True)
    ]
    for number in range(1, 31):
        guess = tile.take(Step(number, z_BD, z_BD, labels_B, factor=0.5), scratch)
        for index, (head, optimiser) in enumerate(zip(heads, optimisers, strict=True)):
            out = head(z_BD, labels_B)
            assert torch.equal(guess.predicted_Bk[:, index], out.cos_BC.argmax(dim=1))
            optimiser.zero_grad()
            out.loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), clip_norm)
            optimiser.param_groups[0]["lr"] = 0.5 * float(rates[index])
            optimiser.step()
    for head, ours_CD in zip(heads, tile.weight_kCD, strict=True):
        torch.testing.assert_close(ours_CD, head.weight.detach(), rtol=1e-4, atol=1e-5)


def test_heads_of_all_kinds_have_the_engines_margin_in_one_formula() -> None:
    cos_B = torch.linspace(-1.0, 1.0, 101)
    ours_BK1, _ = Rule.of(HEADS, CPU).target(cos_B[:, None, None].expand(-1, len(HEADS), 1))
    for number, config in enumerate(HEADS):
        theirs_B = build_head(config, DIM, CLASSES).with_margin(cos_B)
        torch.testing.assert_close(ours_BK1[:, number, 0], theirs_B)
