"""What neither scale, temperature, margin nor smoothing can change: who is predicted, and how often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeft_core.diagnostics.class_counts import effective_classes, max_class_share, unique_classes
from edgeft_core.events import IntArray
from edgeft_core.labs.what_if.softmax import Reals


@dataclass(frozen=True)
class Predictions:
    """Predicted classes and how they did.

    Attributes:
        predicted_N: class with the largest score; the first of equal ones.
        rank_N: classes that score at least as high as the own one; 1 = right. Ties count against the model.
        counts_C: predictions per class.
    """

    predicted_N: IntArray
    rank_N: IntArray
    counts_C: IntArray

    def top(self, k: int) -> float:
        """Share of images whose own class is among the k best. Compare with k / C."""
        return float((self.rank_N <= k).mean())

    @property
    def max_share(self) -> float:
        return max_class_share(self.counts_C)

    @property
    def effective(self) -> float:
        return effective_classes(self.counts_C)

    @property
    def unique(self) -> int:
        return unique_classes(self.counts_C)


def predictions(scores_NC: Reals, labels_N: IntArray) -> Predictions:
    """From cosines or from logits: s / T > 0 keeps every order, so both give the same."""
    own_N1 = scores_NC[np.arange(len(labels_N)), labels_N][:, None]
    predicted_N: IntArray = scores_NC.argmax(axis=1)
    rank_N: IntArray = (scores_NC >= own_N1).sum(axis=1)
    counts_C = np.bincount(predicted_N, minlength=scores_NC.shape[1]).astype(np.int64)
    return Predictions(predicted_N, rank_N, counts_C)
