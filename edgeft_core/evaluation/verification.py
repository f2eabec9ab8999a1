"""Is it the same person? Genuine and impostor pairs, TAR at FAR, EER and AUC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]

FALSE_ACCEPT_RATES = (1e-1, 1e-2, 1e-3, 1e-4)


@dataclass(frozen=True)
class Verification:
    """Scores over pairs of images.

    Attributes:
        auc: probability that a genuine pair is more similar than an impostor pair; .5 = guessing.
        eer: error rate at the threshold where false accepts and false rejects are equally frequent; .5 = guessing.
        tar_at_far: share of genuine pairs accepted when this share of impostors is; only rates that the number
            of impostor pairs can resolve.
    """

    genuine_pairs: int
    impostor_pairs: int
    auc: float
    eer: float
    tar_at_far: dict[float, float]


def verification(
    z_ND: npt.NDArray[np.floating], labels_N: npt.NDArray[np.int64], *, pairs: int = 1_000_000, seed: int = 0
) -> Verification | None:
    """Verify all genuine pairs against at most ``pairs`` impostor pairs of normalised embeddings.

    Returns None where there is no genuine or no impostor pair.
    """
    genuine = _genuine_pairs(labels_N)
    impostor = _impostor_pairs(labels_N, pairs, np.random.default_rng(seed))
    if not len(genuine) or not len(impostor):
        return None
    return score_pairs(_cosines(z_ND, genuine), _cosines(z_ND, impostor))


def score_pairs(genuine_G: FloatVector, impostor_I: FloatVector) -> Verification:
    """Scores from the similarities of genuine and impostor pairs."""
    impostor_I = np.sort(impostor_I)
    far_T, frr_T = _error_rates(np.sort(genuine_G), impostor_I)
    crossing = int(np.argmax(frr_T >= far_T))
    rates = [rate for rate in FALSE_ACCEPT_RATES if rate * len(impostor_I) >= 1.0]
    return Verification(
        genuine_pairs=len(genuine_G),
        impostor_pairs=len(impostor_I),
        auc=_auc(genuine_G, impostor_I),
        eer=float((far_T[crossing] + frr_T[crossing]) / 2.0),
        tar_at_far={rate: _tar_at_far(genuine_G, impostor_I, rate) for rate in rates},
    )


def _error_rates(genuine_G: FloatVector, impostor_I: FloatVector) -> tuple[FloatVector, FloatVector]:
    """False accept and false reject rate at every threshold, rising; a pair is accepted at or above it."""
    thresholds = np.append(np.unique(np.concatenate([genuine_G, impostor_I])), np.inf)
    far = 1.0 - np.searchsorted(impostor_I, thresholds, side="left") / len(impostor_I)
    frr = np.searchsorted(genuine_G, thresholds, side="left") / len(genuine_G)
    return far, frr


def _auc(genuine_G: FloatVector, impostor_sorted_I: FloatVector) -> float:
    """Mann-Whitney: share of (genuine, impostor) couples in the right order, ties counting half."""
    below = np.searchsorted(impostor_sorted_I, genuine_G, side="left")
    at_or_below = np.searchsorted(impostor_sorted_I, genuine_G, side="right")
    return float((below + at_or_below).sum() / (2.0 * len(genuine_G) * len(impostor_sorted_I)))


def _tar_at_far(genuine_G: FloatVector, impostor_sorted_I: FloatVector, rate: float) -> float:
    """Share of genuine pairs above the threshold that lets at most ``rate`` of the impostors in."""
    allowed = int(rate * len(impostor_sorted_I))
    return float((genuine_G > impostor_sorted_I[-allowed - 1]).mean())


def _genuine_pairs(labels_N: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """All pairs of images of one person, shape (G, 2)."""
    order: npt.NDArray[np.int64] = np.argsort(labels_N, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels_N[order])) + 1)
    pairs = [np.stack(np.triu_indices(len(group), 1), axis=1) for group in groups]
    return np.concatenate([group[pair] for group, pair in zip(groups, pairs, strict=True)])


def _impostor_pairs(
    labels_N: npt.NDArray[np.int64], pairs: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """All pairs of different people, or a random ``pairs`` of them where there are more, shape (I, 2)."""
    n = len(labels_N)
    if n * (n - 1) // 2 <= pairs:
        chosen = np.stack(np.triu_indices(n, 1), axis=1)
    else:
        chosen = random.integers(0, n, size=(pairs, 2))
    different: npt.NDArray[np.bool_] = labels_N[chosen[:, 0]] != labels_N[chosen[:, 1]]
    return chosen[different]


def _cosines(
    z_ND: npt.NDArray[np.floating], pairs_P2: npt.NDArray[np.int64], rows_at_once: int = 65_536
) -> FloatVector:
    parts = [
        np.einsum("pd,pd->p", z_ND[part[:, 0]], z_ND[part[:, 1]])
        for part in np.split(pairs_P2, range(rows_at_once, len(pairs_P2), rows_at_once))
    ]
    return np.concatenate(parts).astype(np.float64)
