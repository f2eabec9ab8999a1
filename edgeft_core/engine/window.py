"""The latest predictions: running Top-k and how often each class was predicted, kept up to date step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from edgeft_core.engine.tally import ClassTally
from edgeft_core.events import IntArray

_PREDICTED, _LABEL, _TOP1, _TOP5 = range(4)


class PredictionWindow:
    """The latest ``size`` predictions over ``n_classes`` classes, on the host; a batch costs what it holds."""

    def __init__(self, size: int, n_classes: int) -> None:
        self._size = size
        self._images_4W = np.full((4, size), -1, np.int64)  # a ring; the next image goes to _next
        self._next = self._filled = 0
        self._predicted = ClassTally(n_classes, size)
        self._labels = ClassTally(n_classes, size)
        self._hits_2 = np.zeros(2, np.int64)

    def add(self, images_4SB: IntArray) -> list[dict[str, float]]:
        """Take in the batches of S steps, and forget as many of the oldest predictions.

        Args:
            images_4SB: predicted class, true class, and 1 for a hit among the first and among the first five.

        Returns:
            the signals of each step's images, and of the window after it.
        """
        steps, n_images = images_4SB.shape[1:]
        if steps * n_images > self._size:  # images would come and go within one turn
            if steps > 1:
                some = max(1, self._size // n_images)
                turns = (images_4SB[:, first : first + some] for first in range(0, steps, some))
                return [told for turn in turns for told in self.add(turn)]
            images_4SB = images_4SB[:, :, -self._size :]
            n_images = self._size
        gone_4SB = self._replace(images_4SB)
        predicted = self._predicted.change(images_4SB[_PREDICTED], gone_4SB[_PREDICTED])
        labels = self._labels.change(images_4SB[_LABEL], gone_4SB[_LABEL])
        changes_2S = (images_4SB[_TOP1:] - np.maximum(0, gone_4SB[_TOP1:])).sum(axis=2)
        hits_2S = self._hits_2[:, None] + changes_2S.cumsum(axis=1)
        filled_S = np.minimum(self._size, self._filled + n_images * np.arange(1, steps + 1))
        self._hits_2, self._filled = hits_2S[:, -1], int(filled_S[-1])
        top1_S, top5_S = images_4SB[_TOP1:].mean(axis=2)
        columns = {
            "top1": top1_S,
            "top5": top5_S,
            "top1_running": hits_2S[0] / filled_S,
            "top5_running": hits_2S[1] / filled_S,
            "max_class_share": predicted.max_share_S,
            "label_max_share": labels.max_share_S,
            "effective_classes": predicted.effective_S,
            "batch_label_classes": labels.effective_new_S,
            "unique_classes": predicted.unique_S.astype(np.float64),
            "window_images": filled_S.astype(np.float64),
        }
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _replace(self, images_4SB: IntArray) -> IntArray:
        """Write images over the oldest ones; returns those, -1 where the place was free."""
        places_SB = (self._next + np.arange(images_4SB[0].size)) % self._size
        gone_4SB = self._images_4W[:, places_SB].reshape(images_4SB.shape)
        self._images_4W[:, places_SB] = images_4SB.reshape(4, -1)
        self._next = (self._next + images_4SB[0].size) % self._size
        return gone_4SB

    def state(self) -> dict[str, Any]:
        """The predictions, oldest first, shape (4, N)."""
        first = self._next if self._filled == self._size else 0
        order_N = (first + np.arange(self._filled)) % self._size
        return {"images": torch.from_numpy(self._images_4W[:, order_N])}

    def load(self, state: dict[str, Any]) -> None:
        """Hold what :meth:`state` told, and nothing else."""
        self._images_4W[:] = -1
        self._next = self._filled = 0
        self._hits_2 = np.zeros(2, np.int64)
        self._predicted.clear()
        self._labels.clear()
        images_4N = state["images"].numpy()
        if images_4N.size:
            self.add(images_4N[:, None])
