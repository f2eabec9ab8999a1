"""The latest predictions: running Top-k and how often each class was predicted, kept up to date batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from edgeft_core.diagnostics.class_counts import effective_classes, max_class_share, unique_classes
from edgeft_core.events import IntArray


class PredictionWindow:
    """A ring of the latest ``size`` predictions over ``n_classes`` classes, on the host.

    Adding a batch costs O(batch + classes); nothing is recounted.
    """

    _COLUMNS = ("predicted", "labels", "top1", "top5")

    def __init__(self, size: int, n_classes: int) -> None:
        self._ring: npt.NDArray[np.int32] = np.zeros((len(self._COLUMNS), size), np.int32)
        self._next = 0
        self._filled = 0
        self._predicted_C: IntArray = np.zeros(n_classes, np.int64)
        self._labels_C: IntArray = np.zeros(n_classes, np.int64)
        self._hits: IntArray = np.zeros(2, np.int64)

    def add(self, predicted_B: IntArray, labels_B: IntArray, top1_B: IntArray, top5_B: IntArray) -> None:
        """Take in one batch, forgetting as many of the oldest predictions as needed."""
        size = self._ring.shape[1]
        new = np.stack([predicted_B, labels_B, top1_B, top5_B]).astype(np.int32)[:, -size:]
        places = (self._next + np.arange(new.shape[1])) % size
        overwritten = max(0, self._filled + new.shape[1] - size)
        if overwritten:  # the oldest images lie where the last of the new ones go
            self._count(self._ring[:, places[-overwritten:]], -1)
        self._count(new, +1)
        self._ring[:, places] = new
        self._next = int((self._next + new.shape[1]) % size)
        self._filled = min(size, self._filled + new.shape[1])

    def _count(self, images: npt.NDArray[np.int32], sign: int) -> None:
        n_classes = len(self._predicted_C)
        self._predicted_C += sign * np.bincount(images[0], minlength=n_classes)
        self._labels_C += sign * np.bincount(images[1], minlength=n_classes)
        self._hits += sign * images[2:].sum(axis=1)

    def scalars(self) -> dict[str, float]:
        """The window's signals."""
        n = max(1, self._filled)
        return {
            "top1_running": float(self._hits[0] / n),
            "top5_running": float(self._hits[1] / n),
            "max_class_share": max_class_share(self._predicted_C),
            "label_max_share": max_class_share(self._labels_C),
            "effective_classes": effective_classes(self._predicted_C),
            "unique_classes": float(unique_classes(self._predicted_C)),
            "window_images": float(self._filled),
        }

    def state(self) -> dict[str, Any]:
        """The predictions, oldest first."""
        order = (self._next - self._filled + np.arange(self._filled)) % self._ring.shape[1]
        return {"images": torch.from_numpy(self._ring[:, order])}

    def load(self, state: dict[str, Any]) -> None:
        images = state["images"].numpy().astype(np.int64)
        if images.shape[1]:
            self.add(images[0], images[1], images[2], images[3])
