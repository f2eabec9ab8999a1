"""What is done to faces on the training device: mild augmentation, then the range that the backbone expects."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from edgeft_core.config import DataConfig, Normalisation

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_FLIP, _ANGLE, _BRIGHTNESS, _CONTRAST = range(4)


class Augment:
    """Flip, rotation, brightness and contrast, each image by itself.

    What happens to an image follows from (seed, view, index) alone, whatever batch it comes in: a cached view
    can be recomputed, a resumed run sees what it would have seen, and the high-resolution twin of an enlarged
    face gets the same treatment by the same call.
    """

    def __init__(self, config: DataConfig) -> None:
        self._flip = config.flip
        self._jitter = config.colour_jitter
        self._rotation_rad = math.radians(config.rotation_deg)

    def __call__(self, images_B3HW: Tensor, indices_B: Tensor, view: int, seed: int) -> Tensor:
        """Augmented copies.

        Args:
            images_B3HW: float, 0..1.
            indices_B: each image's place in the data set, int64.
            view: which version: the epoch, or the number of a cached view.

        Returns:
            (B, 3, H, W), 0..1; the argument is left as it is.
        """
        draws_B4 = unit_draws(indices_B, view=view, seed=seed, n=4)
        flipped_B = (draws_B4[:, _FLIP] < 0.5) & self._flip
        images = self._turned(images_B3HW, flipped_B, draws_B4[:, _ANGLE] * 2 - 1)
        if self._jitter > 0:
            change_B2 = 1 + self._jitter * (draws_B4[:, [_BRIGHTNESS, _CONTRAST]] * 2 - 1)
            change = change_B2.to(images.device, images.dtype)[:, :, None, None, None]
            images = ((images * change[:, 0] - 0.5) * change[:, 1] + 0.5).clamp_(0.0, 1.0)
        return images

    def _turned(self, images: Tensor, flipped_B: Tensor, turn_B: Tensor) -> Tensor:
        if self._rotation_rad > 0:
            grid_BHW2 = _grid(images, flipped_B, turn_B * self._rotation_rad)
            return grid_sample(images, grid_BHW2, mode="bilinear", padding_mode="border", align_corners=False)
        if not self._flip:
            return images
        return torch.where(flipped_B.to(images.device)[:, None, None, None], images.flip(-1), images)


def _grid(images: Tensor, flipped_B: Tensor, angle_rad_B: Tensor) -> Tensor:
    """Where each output pixel is read, (B, H, W, 2) as x, y in -1..1.

    Written out rather than as a batched matrix product, whose rounding may depend on the size of the batch.
    """
    height, width = images.shape[-2:]
    x = ((torch.arange(width) * 2 + 1) / width - 1).to(images)[None, None, :]
    y = ((torch.arange(height) * 2 + 1) / height - 1).to(images)[None, :, None]
    cos = torch.cos(angle_rad_B).to(images)[:, None, None]
    sin = torch.sin(angle_rad_B).to(images)[:, None, None]
    mirror = (1 - 2 * flipped_B.double()).to(images)[:, None, None]
    return torch.stack([(x * cos + y * sin) * mirror, y * cos - x * sin], dim=-1)


def unit_draws(indices_B: Tensor, *, view: int, seed: int, n: int) -> Tensor:
    """n numbers in [0, 1) per image, (B, n) float64 on the CPU, each a hash of (seed, view, index, column).

    The hash is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014), chained over the parts.
    """
    state = torch.tensor([seed], dtype=torch.int64)
    for part in (torch.tensor([view]), indices_B.cpu().long()[:, None], torch.arange(n)[None, :]):
        state = _mixed(state + (part + 1) * _GOLDEN)
    return _shifted(state, 11).double() * 2.0**-53


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1 = _signed(0xBF58476D1CE4E5B9)
_MIX_2 = _signed(0x94D049BB133111EB)


def _mixed(x: Tensor) -> Tensor:
    x = (x ^ _shifted(x, 30)) * _MIX_1
    x = (x ^ _shifted(x, 27)) * _MIX_2
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """Logical right shift: int64 keeps its sign under ``>>``, the hash is made of unsigned numbers."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _imagenet(images_B3HW: Tensor) -> Tensor:
    mean = images_B3HW.new_tensor(_IMAGENET_MEAN)[:, None, None]
    std = images_B3HW.new_tensor(_IMAGENET_STD)[:, None, None]
    return (images_B3HW - mean) / std


NORMALISATIONS: dict[Normalisation, Callable[[Tensor], Tensor]] = {
    "minus_one_to_one": lambda images: images * 2.0 - 1.0,
    "imagenet": _imagenet,
    "zero_to_one": lambda images: images,
    "none": lambda images: images * 255.0,
}


def normalise(images_B3HW: Tensor, kind: Normalisation) -> Tensor:
    """Images of 0..1 in the range of ``data.normalisation``: -1..1, ImageNet statistics, 0..1, or 0..255."""
    return NORMALISATIONS[kind](images_B3HW)
