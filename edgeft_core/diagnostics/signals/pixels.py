"""Signals of what the backbone is fed with: images after normalisation, shape (B, 3, H, W)."""

from __future__ import annotations

from torch import Tensor


def mean(images_B3HW: Tensor) -> Tensor:
    """Mean over all pixels. Faces scaled to -1..1 lie around 0, to 0..1 around .45, to 0..255 around 115."""
    return images_B3HW.mean()


def deviation(images_B3HW: Tensor) -> Tensor:
    """Standard deviation (N) over all pixels; about .5 for faces scaled to -1..1, .25 for 0..1, 60 for 0..255."""
    return (images_B3HW - images_B3HW.mean()).square().mean().sqrt()


def deviation_across_images(images_B3HW: Tensor) -> Tensor:
    """Mean over pixel positions of the standard deviation (N) between images.

    Compare with :func:`deviation`: near 0 = all images are the same picture (or all are blank).
    """
    centred = images_B3HW - images_B3HW.mean(dim=0)
    return centred.square().mean(dim=0).sqrt().mean()
