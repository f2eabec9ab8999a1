"""The backbone as the engine uses it: mixed precision, frozen statistics, and plain embedding of many images."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.utils.checkpoint import checkpoint

from edgeft_core.data import FaceDataset
from edgeft_core.engine.device import Precision, autocast
from edgeft_core.engine.pixels import Faces, PixelPipeline, as_tensor
from edgeft_core.events import IntArray


class Embedder:
    """Embeds normalised images, with or without a gradient."""

    def __init__(self, backbone: nn.Module, device: torch.device, precision: Precision) -> None:
        self.backbone = backbone.to(device)
        self.device = device
        self.part = 0  # images at once with a gradient; 0 for the whole batch
        self._precision = precision

    @property
    def trains(self) -> bool:
        """Whether the backbone learns in this stage."""
        return self.backbone.training

    @property
    def chunk(self) -> int:
        """Images embedded at once where no gradient is needed.

        On CPU more at once is no faster, and between two chunks the run can hear commands.
        """
        return 64 if self.device.type == "cpu" else 512

    def train_mode(self, train: bool) -> None:
        """Switch the backbone between training and frozen; BatchNorm statistics stay frozen in both.

        A batch of 32 faces says little about the statistics that the weights were trained with.
        """
        self.backbone.train(train).requires_grad_(train)
        for module in self.backbone.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()

    def __call__(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings (B, D) in float32."""
        with autocast(self.device, self._precision):
            emb_BD: Tensor = self.backbone(images_B3HW)
        return emb_BD.float()

    def in_parts(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings with a gradient; in parts, each embedded again on the way back, where a batch does not fit."""
        if not self.part:
            return self(images_B3HW)
        parts = torch.split(images_B3HW, self.part)
        if not torch.is_grad_enabled():
            return torch.cat([self(part) for part in parts])
        return torch.cat([checkpoint(self, part, use_reentrant=False) for part in parts])

    @torch.no_grad()
    def frozen(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings without a gradient and without dropout."""
        was_training = self.backbone.training
        if was_training:
            self.backbone.eval()
        try:
            return self.in_parts(images_B3HW)
        finally:
            if was_training:
                self.train_mode(True)

    def pair(self, faces: Faces) -> tuple[Tensor, Tensor]:
        """Frozen embeddings of images and of their twins, in one go."""
        both = self.frozen(torch.cat([faces.images_B3HW, faces.twins_T3HW]))
        n = len(faces.images_B3HW)
        return both[:n], both[n:]


def embed_plain(
    embedder: Embedder, pixels: PixelPipeline, dataset: FaceDataset, indices_N: IntArray
) -> Iterator[tuple[Tensor, Tensor]]:
    """Embeddings of images and of their twins, without augmentation, chunk by chunk.

    Yields:
        ``(emb_nD, twin_nD)`` on the device, not normalised.
    """
    for start in range(0, len(indices_N), embedder.chunk):
        part = indices_N[start : start + embedder.chunk]
        hr, lr = dataset.read_pair(part)
        faces = pixels(
            as_tensor(hr),
            as_tensor(lr),
            torch.from_numpy(part),
            view=None,
            twins=len(part),
        )
        yield embedder.pair(faces)


def same_image_cosine(emb_BD: Tensor, twin_TD: Tensor) -> Tensor:
    """Cosine of each image and its twin, shape (B,); NaN for images without one.

    The gradient reaches ``emb_BD`` only, and only where every image has a twin.
    """
    n = len(twin_TD)
    if n == len(emb_BD):
        return (normalize(emb_BD, dim=1) * normalize(twin_TD.detach(), dim=1)).sum(dim=1)
    cos_B = emb_BD.new_full((len(emb_BD),), torch.nan)
    cos_B[:n] = (normalize(emb_BD[:n].detach(), dim=1) * normalize(twin_TD.detach(), dim=1)).sum(dim=1)
    return cos_B
