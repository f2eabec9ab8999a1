"""From stored pixels to what the backbone sees: super-resolution, augmentation and normalisation, on the device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from edgeft_core.config import DataConfig
from edgeft_core.data.transforms import Augment, normalise

PixelArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Faces:
    """Normalised images and, for some of them, the same face in the other resolution.

    Attributes:
        images_B3HW: what is trained on: SR faces, or HR where ``data.train_on`` is ``hr``.
        twins_T3HW: the twins of the first T images.
    """

    images_B3HW: Tensor
    twins_T3HW: Tensor


def as_tensor(images_NHW3: PixelArray) -> Tensor:
    """uint8 images as the data set reads them, channels first."""
    return torch.from_numpy(images_NHW3).permute(0, 3, 1, 2)


class PixelPipeline:
    """Turns HR and LR pixels of the same faces into normalised SR and HR images of equal size.

    Both versions of a face get the same flip, rotation and colours, drawn from (seed, view, image) alone: the
    result for one image does not depend on the batch that it comes in.
    """

    def __init__(
        self, config: DataConfig, super_resolver: nn.Module, seed: int, device: torch.device
    ) -> None:
        self._config = config
        self.super_resolver = super_resolver.to(device).eval()
        self._augment = Augment(config)
        self._seed = seed
        self._device = device

    @torch.no_grad()
    def __call__(
        self, hr_B3HW: Tensor, lr_B3hw: Tensor, indices_B: Tensor, *, view: int | None, twins: int
    ) -> Faces:
        """Prepare one batch.

        Args:
            hr_B3HW, lr_B3hw: uint8 pixels.
            indices_B: the images' places in the data set.
            view: which augmented version; None leaves the images plain.
            twins: how many of the first images also come in the other resolution.
        """
        from_sr = self._config.train_on == "sr"
        main, other = (lr_B3hw, hr_B3HW) if from_sr else (hr_B3HW, lr_B3hw)
        images = self._enlarged(main) if from_sr else self._unit(main)
        partners = self._unit(other[:twins]) if from_sr else self._enlarged(other[:twins])
        return Faces(
            self._finished(images, indices_B, view),
            self._finished(partners, indices_B[:twins], view),
        )

    def _unit(self, pixels: Tensor) -> Tensor:
        return pixels.to(self._device, non_blocking=True).float().div_(255.0)

    def _enlarged(self, lr_B3hw: Tensor) -> Tensor:
        if not len(lr_B3hw):
            return self._unit(lr_B3hw)
        enlarged: Tensor = self.super_resolver(self._unit(lr_B3hw))
        return enlarged.clamp(0.0, 1.0)

    def _finished(self, images: Tensor, indices: Tensor, view: int | None) -> Tensor:
        if not len(images):
            return images
        if view is not None:
            images = self._augment(images, indices, view, self._seed)
        return normalise(images, self._config.normalisation)
