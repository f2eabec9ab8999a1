"""Whether probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeft_core.labs.what_if.softmax import Doubles

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Images by the probability of their predicted class, in bins (lower, upper] of equal width over (0, 1].

    Attributes:
        count_K: images per bin.
        confidence_K, accuracy_K: mean probability and share of right ones; NaN where a bin is empty.

    Reference: Niculescu-Mizil and Caruana 2005, "Predicting Good Probabilities"; Guo et al. 2017.
    """

    count_K: npt.NDArray[np.int64]
    confidence_K: Doubles
    accuracy_K: Doubles


def reliability(top_prob_N: Doubles, right_N: npt.NDArray[Any], bins: int = BINS) -> Reliability:
    """The curve whose points lie on the diagonal where 70 % sure means right in 70 % of cases."""
    place_N = np.clip(np.ceil(top_prob_N * bins).astype(np.int64) - 1, 0, bins - 1)
    count_K = np.bincount(place_N, minlength=bins).astype(np.int64)
    with np.errstate(invalid="ignore"):
        confidence_K = np.bincount(place_N, top_prob_N, minlength=bins) / count_K
        accuracy_K = np.bincount(place_N, right_N.astype(np.float64), minlength=bins) / count_K
    return Reliability(count_K, confidence_K, accuracy_K)


def expected_calibration_error(curve: Reliability) -> float:
    """ECE: sum over bins of n_k / N |accuracy - confidence|. Range 0 (honest) to 1.

    Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning"; Guo et al. 2017, "On
    Calibration of Modern Neural Networks", equation 3, with their 15 bins.
    """
    used = curve.count_K > 0
    gap_K = np.abs(curve.accuracy_K[used] - curve.confidence_K[used])
    return float((gap_K * curve.count_K[used]).sum() / curve.count_K.sum())
