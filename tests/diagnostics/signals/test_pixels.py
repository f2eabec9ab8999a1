"""What goes into the backbone, against numpy."""

from __future__ import annotations

import pytest
import torch

from edgeft_core.data.transforms import normalise
from edgeft_core.diagnostics.signals import INPUT_SIGNALS, pixels


def some_images() -> torch.Tensor:
    return torch.rand(12, 3, 8, 8, generator=torch.Generator().manual_seed(5))


def test_mean_and_deviations_agree_with_numpy() -> None:
    images = some_images()
    x = images.numpy()
    assert float(pixels.mean(images)) == pytest.approx(x.mean(), rel=1e-5)
    assert float(pixels.deviation(images)) == pytest.approx(x.std(), rel=1e-5)
    assert float(pixels.deviation_across_images(images)) == pytest.approx(x.std(axis=0).mean(), rel=1e-5)


def test_one_picture_again_and_again_does_not_vary_between_images() -> None:
    images = some_images()[:1].repeat(12, 1, 1, 1)
    assert float(pixels.deviation(images)) > 0.2
    assert float(pixels.deviation_across_images(images)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("minus_one_to_one", -1.0, 1.0),
        ("zero_to_one", 0.0, 1.0),
        ("none", 0.0, 255.0),
        ("imagenet", -2.12, 2.64),
    ],
)
def test_each_normalisation_shows_in_smallest_and_largest_pixel(kind: str, low: float, high: float) -> None:
    images = torch.zeros(2, 3, 4, 4)
    images[1] = 1.0
    fed = normalise(images, kind)  # type: ignore[arg-type]
    assert float(INPUT_SIGNALS["input_min"](fed)) == pytest.approx(low, abs=0.01)
    assert float(INPUT_SIGNALS["input_max"](fed)) == pytest.approx(high, abs=0.01)
