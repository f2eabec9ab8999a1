"""What the lab computes, against slow loops, against known values, and against the heads that train."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from edgeft_core.config import HeadConfig
from edgeft_core.diagnostics.signals import logits as torch_signals
from edgeft_core.diagnostics.theory import expected_first_loss, plateau_loss
from edgeft_core.labs.what_if import landmarks, softmax
from edgeft_core.labs.what_if.calibration import expected_calibration_error, reliability
from edgeft_core.labs.what_if.gradient import (
    class_pull_C,
    concentration,
    effective_number,
    gradient_NC,
    sample_pull_N,
    shares,
)
from edgeft_core.labs.what_if.outcome import cosine_bins, outcome
from edgeft_core.labs.what_if.predictions import predictions
from edgeft_core.models.heads import build_head

N, C, D = 40, 9, 16
HEADS = [
    HeadConfig(kind="arcface", scale=16, margin_rad=0.2),
    HeadConfig(kind="arcface", scale=8, margin_rad=0.1, temperature=4, label_smoothing=0.08),
    HeadConfig(kind="arcface", scale=64, margin_rad=1.4),
    HeadConfig(kind="cosface", scale=30, margin_rad=0.35, label_smoothing=0.3),
    HeadConfig(kind="softmax", scale=12, margin_rad=0.5, temperature=0.5),
    HeadConfig(kind="arcface", scale=256, margin_rad=0.5, temperature=0.05),
]


def ids(head: HeadConfig) -> str:
    return f"{head.kind}-s{head.scale:g}-T{head.temperature:g}-m{head.margin_rad:g}-e{head.label_smoothing:g}"


@pytest.fixture(scope="module")
def sample() -> tuple[Any, Any]:
    """Cosines that reach from nearly -1 to nearly 1, so that every branch of the margin is met."""
    draw = np.random.default_rng(5)
    cos_NC = np.clip(draw.normal(0, 0.45, (N, C)), -0.999, 0.999).astype(np.float32)
    labels_N = draw.integers(0, C, N)
    cos_NC[0, labels_N[0]] = -0.99
    cos_NC[1, labels_N[1]] = 0.9999999
    return cos_NC, labels_N


def slow_loss(cos_NC: Any, labels_N: Any, head: HeadConfig) -> list[float]:
    """Word by word, with angles."""
    losses = []
    for row, label in zip(cos_NC.astype(float), labels_N.tolist(), strict=True):
        scored = [head.scale * one / head.temperature for one in row]
        theta = math.acos(row[label])
        if head.kind == "arcface":
            within = theta + head.margin_rad < math.pi
            own = (
                math.cos(theta + head.margin_rad)
                if within
                else row[label] - head.margin_rad * math.sin(head.margin_rad)
            )
        else:
            own = row[label] - (head.margin_rad if head.kind == "cosface" else 0.0)
        scored[label] = head.scale * own / head.temperature
        top = max(scored)
        normaliser = top + math.log(sum(math.exp(one - top) for one in scored))
        target = [head.label_smoothing / C + (1 - head.label_smoothing) * (c == label) for c in range(C)]
        losses.append(-sum(q * (one - normaliser) for q, one in zip(target, scored, strict=True)))
    return losses


@pytest.mark.parametrize("head", HEADS, ids=ids)
def test_the_loss_is_that_of_a_slow_loop_over_angles(sample: tuple[Any, Any], head: HeadConfig) -> None:
    # Where the own angle is under a twentieth of a degree, the heads hold its sine.
    np.testing.assert_allclose(
        softmax.loss_N(*sample, head), slow_loss(*sample, head), atol=1.1e-3 * softmax.s_eff(head), rtol=1e-6
    )


@pytest.mark.parametrize("head", HEADS, ids=ids)
def test_loss_and_gradient_are_those_of_the_head_that_trains(
    sample: tuple[Any, Any], head: HeadConfig
) -> None:
    cos_NC, labels_N = sample
    trains = build_head(head, D, C)
    leaf = torch.from_numpy(cos_NC.astype(np.float64)).requires_grad_()
    loss = trains.scored(leaf, torch.from_numpy(labels_N)).loss
    (wanted,) = torch.autograd.grad(loss, leaf)
    assert softmax.loss_N(cos_NC, labels_N, head).mean() == pytest.approx(float(loss.detach()), rel=1e-9)
    np.testing.assert_allclose(
        gradient_NC(cos_NC, labels_N, head) / N, wanted.numpy(), rtol=1e-7, atol=1e-12 * softmax.s_eff(head)
    )
    size = wanted.abs()
    np.testing.assert_allclose(
        shares(sample_pull_N(gradient_NC(cos_NC, labels_N, head))),
        (size.sum(1) / size.sum()).numpy(),
        rtol=1e-6,
        atol=1e-12,
    )
    np.testing.assert_allclose(
        shares(class_pull_C(gradient_NC(cos_NC, labels_N, head))),
        (size.sum(0) / size.sum()).numpy(),
        rtol=1e-6,
        atol=1e-12,
    )


@pytest.mark.parametrize("head", HEADS, ids=ids)
def test_without_margin_and_smoothing_it_is_the_loss_that_validation_reports(
    sample: tuple[Any, Any], head: HeadConfig
) -> None:
    cos_NC, labels_N = sample
    evaluates = build_head(head, D, C).eval()
    wanted = evaluates.scored(torch.from_numpy(cos_NC.astype(np.float64)), torch.from_numpy(labels_N)).loss
    assert softmax.plain_loss_N(cos_NC, labels_N, head).mean() == pytest.approx(float(wanted), rel=1e-9)


@pytest.mark.parametrize("head", HEADS, ids=ids)
def test_the_gradient_is_the_slope_of_the_loss(sample: tuple[Any, Any], head: HeadConfig) -> None:
    cos_NC, labels_N = sample
    cos_NC = cos_NC[2:].astype(np.float64)
    labels_N, by = labels_N[2:], 1e-6
    for column in range(C):
        moved = [cos_NC.copy(), cos_NC.copy()]
        moved[0][:, column] -= by
        moved[1][:, column] += by
        low, high = (softmax.loss_N(one, labels_N, head) for one in moved)
        np.testing.assert_allclose(
            gradient_NC(cos_NC, labels_N, head)[:, column],
            (high - low) / (2 * by),
            atol=2e-3 * softmax.s_eff(head),
        )


@pytest.mark.parametrize("temperature", [0.05, 1.0, 4.0, 64.0])
@pytest.mark.parametrize("scale", [0.5, 16.0, 256.0])
def test_no_scale_and_no_temperature_changes_a_prediction_or_a_rank(
    sample: tuple[Any, Any], scale: float, temperature: float
) -> None:
    cos_NC, labels_N = sample
    plain = predictions(cos_NC, labels_N)
    scaled = predictions(softmax.logits(cos_NC, HeadConfig(scale=scale, temperature=temperature)), labels_N)
    np.testing.assert_array_equal(plain.predicted_N, scaled.predicted_N)
    np.testing.assert_array_equal(plain.rank_N, scaled.rank_N)


def test_predictions_are_counted_as_by_hand() -> None:
    cos = np.array([[0.9, 0.1, 0.2], [0.3, 0.3, 0.1], [0.5, 0.6, 0.7], [0.2, 0.2, 0.2]], np.float32)
    found = predictions(cos, np.array([0, 0, 0, 1]))
    assert found.predicted_N.tolist() == [0, 0, 2, 0]
    assert found.rank_N.tolist() == [1, 2, 3, 3], "a tie counts against the model"
    assert (found.top(1), found.top(2)) == (0.25, 0.5)
    assert found.counts_C.tolist() == [3, 0, 1]
    assert (found.max_share, found.unique) == (0.75, 2)


def test_calibration_is_that_of_a_loop_over_bins() -> None:
    draw = np.random.default_rng(1)
    prob, right = draw.random(500) ** 2, draw.random(500) < 0.4
    prob[:3] = [1.0, 1 / 15, 1e-9]
    error = 0.0
    for k in range(15):
        inside = (prob > k / 15) & (prob <= (k + 1) / 15)
        if inside.any():
            error += inside.sum() / 500 * abs(prob[inside].mean() - right[inside].mean())
    curve = reliability(prob, right)
    assert curve.count_K.sum() == 500
    assert expected_calibration_error(curve) == pytest.approx(error)


def test_who_says_70_percent_and_is_right_in_70_percent_is_calibrated() -> None:
    right = np.arange(100) < 70
    assert expected_calibration_error(reliability(np.full(100, 0.7), right)) == pytest.approx(0)
    assert expected_calibration_error(reliability(np.full(100, 1.0), right)) == pytest.approx(0.3)


def test_shares_of_a_few_are_told_as_such() -> None:
    assert effective_number(shares(np.ones(8))) == pytest.approx(8)
    assert effective_number(shares(np.array([5.0, 0, 0]))) == pytest.approx(1)
    assert shares(np.zeros(4)).tolist() == [0.25] * 4
    curve = concentration(shares(np.array([1.0, 0, 3, 0])), points=5)
    np.testing.assert_allclose(curve, [0, 0.75, 1, 1, 1])
    np.testing.assert_allclose(concentration(shares(np.ones(10)), points=5), [0, 0.25, 0.5, 0.75, 1])


def test_an_easy_image_pulls_less_than_a_hard_one() -> None:
    cos = np.array([[0.9, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.9, 0.0]], np.float32)
    pull = sample_pull_N(gradient_NC(cos, np.array([0, 0, 0]), HeadConfig(scale=16, margin_rad=0)))
    assert pull[0] < pull[1] < pull[2]


@pytest.mark.parametrize("head", HEADS, ids=ids)
def test_readings_agree_with_the_signals_of_the_run(sample: tuple[Any, Any], head: HeadConfig) -> None:
    cos_NC, labels_N = sample
    found = outcome(cos_NC, labels_N, head, D).readings
    logits_BC = torch.from_numpy(softmax.logits(cos_NC, head))
    assert found["logit_std_samples"] == pytest.approx(float(torch_signals.std_across_samples(logits_BC)))
    assert found["logit_std_classes"] == pytest.approx(float(torch_signals.std_across_classes(logits_BC)))
    top_prob = torch.softmax(logits_BC, 1).amax(1)
    assert found["saturated"] == pytest.approx(float(torch_signals.saturated_share(top_prob)))
    hits = torch_signals.top_k_hits(logits_BC, torch.from_numpy(labels_N), 5)
    assert found["top5"] == pytest.approx(float(hits.float().mean()))
    rivals = torch.from_numpy(softmax.logits(cos_NC, head).copy())
    own = torch.from_numpy(softmax.training_logits(cos_NC, labels_N, head)[np.arange(N), labels_N])
    rivals[torch.arange(N), torch.from_numpy(labels_N)] = -math.inf
    kept = torch_signals.top1_with_margin(own, rivals.amax(1))
    assert found["margin_kept"] == pytest.approx(float(kept))


@pytest.mark.parametrize("head", HEADS, ids=ids)
def test_distributions_hold_every_image_once(sample: tuple[Any, Any], head: HeadConfig) -> None:
    cos_NC, labels_N = sample
    found = outcome(cos_NC, labels_N, head, D)
    assert found.own_prob_K.sum() == found.top_prob_K.sum() == found.reliability.count_K.sum() == N
    assert found.class_share_C.sum() == pytest.approx(1)
    assert found.loss_N.shape == (N,)
    own, others, edges = cosine_bins(cos_NC, labels_N)
    np.testing.assert_allclose([own.sum(), others.sum()], 1)
    assert len(edges) == len(own) + 1


def test_landmarks_are_those_of_the_theory() -> None:
    head = HeadConfig(kind="arcface", scale=32, margin_rad=0.3)
    assert landmarks.first_loss(head, 518, 512) == pytest.approx(expected_first_loss(518, 32, 0.3, 512))
    assert landmarks.plateau_loss(head, 518) == pytest.approx(plateau_loss(518, 32, 0.3))
    fixed = landmarks.landmarks(518)
    np.testing.assert_allclose([fixed.adacos, fixed.cosface], [8.84, 9.17], atol=0.01)
    assert landmarks.reach(HeadConfig(scale=fixed.even), 518) == pytest.approx(0.5)
    assert landmarks.reach(HeadConfig(scale=8, temperature=4), 518) == pytest.approx(0.014, abs=5e-4)


@pytest.mark.parametrize("head", HEADS[:5], ids=ids)
def test_a_collapse_rests_on_the_plateau_for_every_kind_of_head(head: HeadConfig) -> None:
    everywhere_one = np.ones((6, C), np.float32)
    loss = softmax.loss_N(everywhere_one, np.arange(6), head)
    np.testing.assert_allclose(loss, landmarks.plateau_loss(head, C), atol=1.1e-3 * softmax.s_eff(head))


@pytest.mark.parametrize("head", HEADS[:4], ids=ids)
def test_a_random_head_begins_at_the_first_loss(head: HeadConfig) -> None:
    head = head.model_copy(update={"scale": min(head.scale, 16.0)})
    draw = np.random.default_rng(0)
    z, w = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in draw.normal(size=(2, 500, 256)))
    loss = softmax.loss_N(z @ w.T, np.arange(500), head).mean()
    assert loss == pytest.approx(landmarks.first_loss(head, 500, 256), rel=0.02)
