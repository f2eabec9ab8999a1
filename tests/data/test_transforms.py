"""Augmentation and normalisation, against hand-computed pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgeft_core.config import DataConfig, Normalisation
from edgeft_core.data.transforms import Augment, normalise, unit_draws

PLAIN = {"flip": False, "colour_jitter": 0.0, "rotation_deg": 0.0}


def augment(**settings: object) -> Augment:
    return Augment(DataConfig.model_validate({**PLAIN, **settings}))


def faces(n: int = 6, px: int = 24) -> Tensor:
    return torch.rand(n, 3, px, px, generator=torch.Generator().manual_seed(0))


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(6)), st.integers(0, 1000), st.integers(0, 2**31 - 1))
def test_an_image_is_changed_alike_in_whatever_batch_it_comes(order: list[int], view: int, seed: int) -> None:
    change = augment(flip=True, colour_jitter=0.2, rotation_deg=10)
    images, indices = faces(), torch.arange(6) * 17
    together = change(images, indices, view, seed)
    mixed = change(images[order], indices[order], view, seed)
    assert torch.equal(mixed, together[order])
    alone = change(images[2:3], indices[2:3], view, seed)
    assert torch.equal(alone, together[2:3])


def test_views_seeds_and_images_differ_and_calls_repeat() -> None:
    change = augment(flip=True, colour_jitter=0.2, rotation_deg=10)
    same = faces(1).expand(4, -1, -1, -1)
    out = change(same, torch.arange(4), 1, 42)
    assert torch.equal(out, change(same, torch.arange(4), 1, 42))
    assert not torch.equal(out, change(same, torch.arange(4), 2, 42))
    assert not torch.equal(out, change(same, torch.arange(4), 1, 43))
    assert len({tuple(image.flatten().tolist()) for image in out}) == 4


def test_nothing_asked_for_changes_nothing() -> None:
    images = faces()
    assert torch.equal(augment()(images, torch.arange(6), 0, 0), images)


def test_the_argument_is_left_alone() -> None:
    images = faces()
    before = images.clone()
    augment(flip=True, colour_jitter=0.5, rotation_deg=20)(images, torch.arange(6), 0, 0)
    assert torch.equal(images, before)


def test_half_of_the_images_are_mirrored_exactly() -> None:
    images = faces(1, 8).expand(400, -1, -1, -1)
    out = augment(flip=True)(images, torch.arange(400), 0, 0)
    mirrored = (out == images.flip(-1)).all(dim=(1, 2, 3))
    kept = (out == images).all(dim=(1, 2, 3))
    assert bool((mirrored ^ kept).all())
    assert 150 < int(mirrored.sum()) < 250


def test_rotation_turns_by_the_drawn_angle() -> None:
    """A bright dot right of the middle moves on a circle by the angle that the draw says."""
    px, radius, most = 65, 20, 45.0
    images = torch.zeros(8, 3, px, px)
    images[:, :, px // 2, px // 2 + radius] = 1
    indices = torch.arange(8)
    out = augment(rotation_deg=most)(images, indices, 3, 7)
    angle = (unit_draws(indices, view=3, seed=7, n=4)[:, 1] * 2 - 1) * math.radians(most)
    axis = torch.arange(px).float() - px // 2
    weight = out[:, 0] / out[:, 0].sum(dim=(1, 2), keepdim=True)
    x, y = (weight * axis).sum(dim=(1, 2)), (weight * axis[:, None]).sum(dim=(1, 2))
    torch.testing.assert_close(torch.atan2(y, x), angle.float(), atol=0.03, rtol=0)
    torch.testing.assert_close(torch.hypot(x, y), torch.full((8,), 20.0), atol=0.5, rtol=0)
    assert float(angle.abs().max()) > math.radians(20)


def test_a_mirrored_rotation_is_the_rotation_of_the_mirror() -> None:
    indices = torch.arange(40)
    images = faces(40, 16)
    turned = augment(rotation_deg=10)(images, indices, 0, 0)
    both = augment(rotation_deg=10, flip=True)(images, indices, 0, 0)
    flipped = unit_draws(indices, view=0, seed=0, n=4)[:, 0] < 0.5
    torch.testing.assert_close(both[~flipped], turned[~flipped])
    other = augment(rotation_deg=10)(images.flip(-1), indices, 0, 0)
    torch.testing.assert_close(both[flipped], other[flipped], atol=1e-4, rtol=0)


def test_colours_change_by_brightness_then_contrast_about_mid_grey() -> None:
    images, indices = faces(5, 8), torch.arange(5)
    out = augment(colour_jitter=0.3)(images, indices, 2, 9)
    draws = unit_draws(indices, view=2, seed=9, n=4).numpy()
    for place in range(5):
        brightness, contrast = 1 + 0.3 * (draws[place, 2] * 2 - 1), 1 + 0.3 * (draws[place, 3] * 2 - 1)
        expected = np.clip((images[place].numpy() * brightness - 0.5) * contrast + 0.5, 0, 1)
        np.testing.assert_allclose(out[place].numpy(), expected, atol=1e-6)


@given(st.integers(0, 2**31 - 1), st.integers(0, 10_000))
def test_draws_are_spread_evenly(seed: int, view: int) -> None:
    draws = unit_draws(torch.arange(2000), view=view, seed=seed, n=2)
    assert bool(((draws >= 0) & (draws < 1)).all())
    counts = torch.histc(draws[:, 0].float(), bins=4, min=0, max=1)
    assert int(counts.min()) > 380  # 500 expected, standard deviation 19
    assert abs(float(torch.corrcoef(draws.T)[0, 1])) < 0.15


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("minus_one_to_one", -1.0, 1.0), ("zero_to_one", 0.0, 1.0), ("none", 0.0, 255.0)],
)
def test_normalisation_maps_black_and_white(kind: Normalisation, low: float, high: float) -> None:
    ends = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 2, 2)
    out = normalise(ends, kind)
    assert set(out[0].flatten().tolist()) == {low}
    assert set(out[1].flatten().tolist()) == {high}


def test_imagenet_normalisation_makes_its_mean_zero_and_its_deviation_one() -> None:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    images = torch.stack([mean, mean + std]).view(2, 3, 1, 1)
    torch.testing.assert_close(normalise(images, "imagenet").view(2, 3), torch.tensor([[0.0] * 3, [1.0] * 3]))
