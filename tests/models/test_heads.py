"""Margin heads against hand-computed angles and a slow formula of their own."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from edgeft_core.config import HeadConfig
from edgeft_core.models.heads import HEADS, MarginHead, build_head

KINDS = tuple(HEADS)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(kind: str, dim: int = 16, classes: int = 7, **values: float) -> MarginHead:
    return build_head(HeadConfig(kind=kind, **values), dim, classes, generator())


def head_at_angles(kind: str, degrees: list[float], **values: float) -> MarginHead:
    """Two-dimensional head whose class weights lie at these angles, with lengths that must not matter."""
    head = make(kind, 2, len(degrees), **values)
    with torch.no_grad():
        for row, angle in enumerate(degrees):
            rad = math.radians(angle)
            head.weight[row] = (row + 0.5) * torch.tensor([math.cos(rad), math.sin(rad)])
    return head


def embedding_at(degrees: float, length: float = 3.0) -> Tensor:
    rad = math.radians(degrees)
    return length * torch.tensor([[math.cos(rad), math.sin(rad)]])


def plain_cross_entropy(logits: list[float], label: int) -> float:
    return math.log(sum(math.exp(value) for value in logits)) - logits[label]


def test_arcface_adds_the_margin_to_the_angle() -> None:
    head = head_at_angles("arcface", [60.0, 150.0], scale=4.0, margin_rad=math.radians(15.0))
    out = head(embedding_at(30.0), torch.tensor([0]))
    # 30 degrees to the own weight, 120 to the other; with the margin 45.
    assert out.cos_BC[0].tolist() == pytest.approx([math.sqrt(3) / 2, -0.5], abs=1e-6)
    assert out.loss.item() == pytest.approx(plain_cross_entropy([4 * math.sqrt(0.5), -2.0], 0), abs=1e-5)


def test_arcface_turns_to_the_straight_line_beyond_pi() -> None:
    m = math.radians(40.0)
    head = head_at_angles("arcface", [150.0, 0.0], scale=2.0, margin_rad=m)
    out = head(embedding_at(0.0), torch.tensor([0]))
    # 150 + 40 > 180: cos(150) - m sin(m), below -1 instead of cos(190) which is above cos(180).
    target = -math.sqrt(3) / 2 - m * math.sin(m)
    assert target < -1
    assert out.loss.item() == pytest.approx(plain_cross_entropy([2 * target, 2.0], 0), abs=1e-5)


@given(st.floats(0.0, 1.5))
def test_arcface_target_falls_with_the_angle_all_the_way(margin: float) -> None:
    head = make("arcface", margin_rad=margin)
    cos = torch.cos(torch.linspace(0.01, math.pi - 0.01, 400, dtype=torch.float64))[:, None]
    assert bool((head.with_margin(cos).diff(dim=0) < 0).all())
    assert bool((head.with_margin(cos) <= cos + 1e-9).all())


def test_cosface_takes_the_margin_off_the_cosine() -> None:
    head = head_at_angles("cosface", [60.0, 150.0], scale=4.0, margin_rad=0.25)
    out = head(embedding_at(30.0), torch.tensor([0]))
    assert out.loss.item() == pytest.approx(
        plain_cross_entropy([4 * (math.sqrt(3) / 2 - 0.25), -2.0], 0), abs=1e-5
    )


def test_softmax_has_no_margin() -> None:
    head = head_at_angles("softmax", [60.0, 150.0], scale=4.0, margin_rad=0.5)
    out = head(embedding_at(30.0), torch.tensor([0]))
    assert out.loss.item() == pytest.approx(plain_cross_entropy([4 * math.sqrt(3) / 2, -2.0], 0), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_never_contain_the_margin(kind: str) -> None:
    head = head_at_angles(kind, [10.0, 20.0], scale=8.0, temperature=4.0, margin_rad=1.0)
    out = head(embedding_at(14.0), torch.tensor([0]))
    expected = [math.cos(math.radians(4.0)), math.cos(math.radians(6.0))]
    assert out.cos_BC[0].tolist() == pytest.approx(expected, abs=1e-6)
    assert out.logits_BC[0].tolist() == pytest.approx([2 * value for value in expected], abs=1e-6)
    assert not out.cos_BC.requires_grad
    assert not out.logits_BC.requires_grad


def slow_loss(kind: str, head: MarginHead, emb: Tensor, labels: Tensor) -> Tensor:
    """The papers' formulas in float64, with acos, loops and a written-out softmax."""
    weight = head.weight.double()
    losses = []
    for row, label in zip(emb.double(), labels.tolist(), strict=True):
        theta = [torch.acos(torch.dot(row, w) / row.norm() / w.norm()) for w in weight]
        scores = [torch.cos(angle) for angle in theta]
        m = head.margin_rad
        if kind == "arcface":
            beyond = theta[label].item() + m > math.pi
            scores[label] = scores[label] - m * math.sin(m) if beyond else torch.cos(theta[label] + m)
        elif kind == "cosface":
            scores[label] = scores[label] - m
        logits = torch.stack(scores) * head.scale / head.temperature
        log_p = logits - torch.logsumexp(logits, 0)
        smooth = head.label_smoothing
        losses.append(-(1 - smooth) * log_p[label] - smooth * log_p.mean())
    return torch.stack(losses).mean()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("margin", [0.0, 0.3, 1.5])
def test_loss_and_gradients_agree_with_the_slow_formula(kind: str, margin: float) -> None:
    head = make(kind, scale=12.0, margin_rad=margin, temperature=1.5, label_smoothing=0.08)
    emb = torch.randn(24, 16, generator=generator(1)).requires_grad_()
    labels = torch.randint(0, 7, (24,), generator=generator(2))
    fast = head(emb, labels).loss
    slow = slow_loss(kind, head, emb, labels)
    assert fast.item() == pytest.approx(slow.item(), abs=1e-5)
    fast_grads = torch.autograd.grad(fast, [emb, head.weight])
    slow_grads = torch.autograd.grad(slow, [emb, head.weight])
    for got, expected in zip(fast_grads, slow_grads, strict=True):
        torch.testing.assert_close(got, expected.float(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_margin_passes_gradcheck_on_both_sides_of_the_guard(kind: str) -> None:
    head = make(kind, margin_rad=0.5)
    cos = torch.tensor([[-0.99], [-0.95], [-0.8], [0.0], [0.7], [0.99]], dtype=torch.float64)
    assert torch.autograd.gradcheck(head.with_margin, cos.requires_grad_())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gradients_are_finite_where_embedding_and_weight_are_parallel(
    kind: str, dtype: torch.dtype, sign: float
) -> None:
    head = make(kind, scale=64.0, margin_rad=0.5)
    backbone = nn.Linear(16, 16, bias=False)
    nn.init.eye_(backbone.weight)
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        emb = backbone(sign * head.weight.detach() * 300)
        out = head(emb, torch.arange(7))
    out.loss.backward()
    assert emb.dtype == dtype
    assert out.cos_BC.diagonal().abs().min().item() == pytest.approx(1.0, abs=1e-4)
    for gradient in (head.weight.grad, backbone.weight.grad):
        assert gradient is not None
        assert bool(torch.isfinite(gradient).all())
        assert gradient.abs().max().item() < 1e4


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_embeddings_are_scored_in_float32_under_autocast(kind: str) -> None:
    head = make(kind)
    emb = torch.randn(8, 16, generator=generator(3))
    labels = torch.arange(8) % 7
    with torch.autocast("cpu", torch.bfloat16):
        inside = head(emb.bfloat16(), labels)
    outside = head(emb.bfloat16().float(), labels)
    assert inside.loss.dtype == inside.logits_BC.dtype == torch.float32
    assert torch.equal(inside.logits_BC, outside.logits_BC)


@given(st.floats(0.5, 256.0), st.floats(0.05, 64.0))
def test_scale_and_temperature_never_change_which_classes_win(scale: float, temperature: float) -> None:
    head = make("arcface", scale=1.0)
    emb = torch.randn(20, 16, generator=generator(4))
    labels = torch.zeros(20, dtype=torch.int64)
    plain = head(emb, labels).logits_BC.topk(5).indices
    head.scale, head.temperature = scale, temperature
    assert torch.equal(head(emb, labels).logits_BC.topk(5).indices, plain)


@pytest.mark.parametrize("kind", KINDS)
def test_only_scale_over_temperature_matters(kind: str) -> None:
    one, other = make(kind, scale=8.0, temperature=4.0), make(kind, scale=2.0, temperature=1.0)
    emb = torch.randn(8, 16, generator=generator(5))
    labels = torch.arange(8) % 7
    assert one(emb, labels).loss.item() == other(emb, labels).loss.item()


@pytest.mark.parametrize("kind", KINDS)
def test_live_settings_take_effect_in_the_next_step(kind: str) -> None:
    head = make(kind, scale=4.0, margin_rad=0.1)
    emb, labels = torch.randn(8, 16, generator=generator(6)), torch.arange(8) % 7
    before = head(emb, labels)
    head.temperature, head.label_smoothing = 2.0, 0.1
    after = head(emb, labels)
    torch.testing.assert_close(after.logits_BC, before.logits_BC / 2)
    assert after.loss.item() == pytest.approx(slow_loss(kind, head, emb, labels).item(), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_eval_loss_is_plain_cross_entropy(kind: str) -> None:
    head = make(kind, margin_rad=0.5, label_smoothing=0.1).eval()
    emb, labels = torch.randn(8, 16, generator=generator(7)), torch.arange(8) % 7
    out = head(emb, labels)
    assert out.loss.item() == pytest.approx(cross_entropy(out.logits_BC, labels).item(), abs=1e-6)


def test_same_generator_gives_same_class_weights_whatever_the_global_one() -> None:
    one = build_head(HeadConfig(), 512, 518, generator(42))
    torch.rand(3)
    other = build_head(HeadConfig(), 512, 518, generator(42))
    assert torch.equal(one.weight, other.weight)
    assert one.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not torch.equal(one.weight, build_head(HeadConfig(), 512, 518, generator(43)).weight)


def test_an_embedding_of_zeros_has_a_finite_loss_and_gradient() -> None:
    head = make("arcface")
    emb = torch.zeros(2, 16, requires_grad=True)
    head(emb, torch.tensor([0, 1])).loss.backward()
    assert emb.grad is not None
    assert bool(torch.isfinite(emb.grad).all())


def test_plain_cosines_keep_their_gradient() -> None:
    head = make("arcface")
    emb = torch.randn(2, 16, generator=generator(8), requires_grad=True)
    cos = head.cosines(emb)
    assert cos.requires_grad
    assert torch.equal(cos.detach(), head(emb, torch.tensor([0, 1])).cos_BC)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("kind", KINDS)
def test_cuda_agrees_with_cpu_under_amp(kind: str) -> None:
    head = make(kind)
    emb, labels = torch.randn(8, 16, generator=generator(9)), torch.arange(8) % 7
    expected = head(emb, labels).loss.item()
    head.cuda()
    with torch.autocast("cuda", torch.float16):
        out = head(emb.cuda(), labels.cuda())
    assert out.loss.dtype == torch.float32
    assert out.loss.item() == pytest.approx(expected, rel=1e-3)
