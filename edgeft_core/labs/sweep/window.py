"""The latest predictions of every head of a sweep on training images: the engine's window, for K heads at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from edgeft_core.labs.sweep.tile import Guess, Step

SCORES = ("max_class_share", "effective_classes", "top1", "top5")


class Window:
    """Ring of the latest ``size`` predictions per head, in the block's own order of heads."""

    def __init__(self, size: int, n_heads: int, n_classes: int, device: torch.device) -> None:
        self._size = size
        self._n_classes = n_classes
        self._seen = 0
        self._images_per_step = 0
        self._first = 0
        self._label_W = torch.zeros(size, dtype=torch.int64, device=device)
        self._predicted_WK = torch.zeros(size, n_heads, dtype=torch.int32, device=device)
        self._among_five_WK = torch.zeros(size, n_heads, dtype=torch.bool, device=device)

    def reserve(self, steps: Sequence[Step]) -> None:
        """Make room for the predictions of these steps, which :meth:`write` then takes from any thread."""
        self._images_per_step = len(steps[0].labels_B)
        self._first = self._seen
        for number, step in enumerate(steps):
            self._label_W[self._places(number)] = step.labels_B[-self._size :]
        self._seen += self._images_per_step * len(steps)

    def write(self, number: int, heads: slice, guess: Guess) -> None:
        """Keep what some heads said before the step ``number`` (0-based) of those that room was made for."""
        places = self._places(number)
        self._predicted_WK[places, heads] = guess.predicted_Bk[-self._size :].to(torch.int32)
        self._among_five_WK[places, heads] = guess.among_five_Bk[-self._size :]

    def scores(self) -> Tensor:
        """:data:`SCORES` of every head over the window, shape (K, 4); NaN before the first step."""
        n, n_heads = min(self._seen, self._size), self._predicted_WK.shape[1]
        if not n:
            return self._label_W.new_full((n_heads, len(SCORES)), torch.nan, dtype=torch.float32)
        predicted_KW = self._predicted_WK[:n].T.long()
        right_K = (predicted_KW == self._label_W[:n]).float().mean(dim=1)
        five_K = self._among_five_WK[:n].float().mean(dim=0)
        return torch.column_stack([*shares(predicted_KW, self._n_classes), right_K, five_K])

    def state(self) -> dict[str, Any]:
        return {
            "seen": self._seen,
            "label": self._label_W,
            "predicted": self._predicted_WK,
            "among_five": self._among_five_WK,
        }

    def load(self, state: dict[str, Any]) -> None:
        self._seen = int(state["seen"])
        self._label_W.copy_(state["label"])
        self._predicted_WK.copy_(state["predicted"])
        self._among_five_WK.copy_(state["among_five"])

    def _places(self, number: int) -> Tensor:
        """Rows of the ring for the last (at most ``size``) images of a step."""
        n = self._images_per_step
        end = self._first + (number + 1) * n
        start = end - min(n, self._size)
        return torch.arange(start, end, device=self._label_W.device) % self._size


def shares(predicted_KN: Tensor, n_classes: int) -> tuple[Tensor, Tensor]:
    """Largest class share and effective classes (exp of the entropy) of each row of predictions."""
    counts_KC = predicted_KN.new_zeros(len(predicted_KN), n_classes)
    counts_KC.scatter_add_(1, predicted_KN, torch.ones_like(predicted_KN))
    share_KC = counts_KC.double() / predicted_KN.shape[1]
    effective_K = torch.special.entr(share_KC).sum(dim=1).exp()
    return share_KC.amax(dim=1).float(), effective_K.float()
