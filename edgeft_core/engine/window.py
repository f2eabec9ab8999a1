"""The latest predictions: running Top-k and how often each class was predicted, kept up to date image by image."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import torch

from edgeft_core.engine.tally import ClassTally


class PredictionWindow:
    """The latest ``size`` predictions over ``n_classes`` classes, on the host; nothing is ever recounted."""

    def __init__(self, size: int, n_classes: int) -> None:
        self._size = size
        self._images: deque[tuple[int, int, int, int]] = deque()
        self._predicted = ClassTally(n_classes)
        self._labels = ClassTally(n_classes)
        self._top1 = self._top5 = 0

    def add(
        self, predicted: Sequence[int], labels: Sequence[int], top1: Sequence[int], top5: Sequence[int]
    ) -> None:
        """Take in one batch (``top1``, ``top5``: 1 for a hit) and forget as many of the oldest predictions."""
        for image in zip(predicted, labels, top1, top5, strict=True):
            self._images.append(image)
            self._predicted.add(image[0])
            self._labels.add(image[1])
            self._top1 += image[2]
            self._top5 += image[3]
            if len(self._images) > self._size:
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        predicted, label, top1, top5 = self._images.popleft()
        self._predicted.remove(predicted)
        self._labels.remove(label)
        self._top1 -= top1
        self._top5 -= top5

    def scalars(self) -> dict[str, float]:
        """The window's signals."""
        n = max(1, len(self._images))
        return {
            "top1_running": self._top1 / n,
            "top5_running": self._top5 / n,
            "max_class_share": self._predicted.max_share,
            "label_max_share": self._labels.max_share,
            "effective_classes": self._predicted.effective,
            "unique_classes": float(self._predicted.unique),
            "window_images": float(len(self._images)),
        }

    def state(self) -> dict[str, Any]:
        """The predictions, oldest first, shape (4, N)."""
        return {"images": torch.tensor(list(self._images), dtype=torch.int64).reshape(-1, 4).T.contiguous()}

    def load(self, state: dict[str, Any]) -> None:
        predicted, labels, top1, top5 = state["images"].tolist()
        self.add(predicted, labels, top1, top5)
