"""How far apart are the embeddings, and do they know who is who? For probes and for the preflight.

Shapes: N images, D coordinates, C classes. ``z_ND`` are L2-normalised embeddings.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.evaluation.similarity import similarity

ROUNDING = 3e-6
"""By so much a cosine may be off in float32: where all embeddings are one point, nobody is nearest."""

RANDOM_HEADS = 12
"""Draws of a random head: the largest share varies by a third from draw to draw, its mean by a tenth."""

LOTS = 60
"""Permutations of the labels: a standard deviation to a tenth."""

HEAD_CLASSES_AT_MOST = 1024
"""Beyond, the largest share among so few faces no longer depends on how many classes there are."""


@dataclass(frozen=True)
class Spread:
    """How a set of embeddings lies on the sphere.

    Attributes:
        images: N.
        cos_same, cos_different: mean cosine of different images of one person, and of different people.
        d_prime: distance of the two in standard deviations; 0 = no identity information.
        d_prime_error: standard deviation of ``d_prime`` when labels are drawn by lot.
        random_head_share: largest share of one predicted class under a random head, mean over draws.
        random_head_expected: the same for random directions, i.e. for embeddings that are spread evenly.
        nearest_mean, nearest_mean_centred: share of images whose own class mean (of their other images) is the
            nearest, without and with the mean embedding removed.
        nearest_mean_chance: the same by guessing.
    """

    images: int
    cos_different: float
    cos_same: float
    d_prime: float
    d_prime_error: float
    random_head_share: float
    random_head_expected: float
    nearest_mean: float
    nearest_mean_centred: float
    nearest_mean_chance: float

    def as_values(self, prefix: str = "") -> dict[str, float]:
        """Finite values by name."""
        values = {f"{prefix}{name}": float(value) for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if math.isfinite(value)}


@torch.no_grad()
def spread(emb_ND: Tensor, labels_N: Tensor, n_classes: int, *, seed: int = 0) -> Spread:
    """Measure embeddings (not normalised) of a few images each of some people.

    Args:
        n_classes: of the head that a random one stands for.
    """
    z_ND = normalize(emb_ND.float(), dim=1)
    people_N = torch.unique(labels_N, return_inverse=True)[1]
    cosines = similarity(z_ND, people_N)
    share, expected = random_head_share(z_ND, n_classes, seed=seed)
    return Spread(
        images=len(z_ND),
        cos_same=cosines.same,
        cos_different=cosines.different,
        d_prime=cosines.d_prime,
        d_prime_error=d_prime_by_lot(z_ND, people_N, seed=seed),
        random_head_share=share,
        random_head_expected=expected,
        nearest_mean=nearest_other_mean(z_ND, people_N, centre=False),
        nearest_mean_centred=nearest_other_mean(z_ND, people_N, centre=True),
        nearest_mean_chance=1.0 / max(1, int(people_N.max()) + 1),
    )


def random_head_share(z_ND: Tensor, n_classes: int, *, seed: int) -> tuple[float, float]:
    """Largest share of one predicted class under random heads, and what random directions would give.

    The step-0 test: before the first update neither scale, margin, temperature nor learning rate can have any
    effect, so predictions that fall on one class come from the embeddings.
    """
    generator = torch.Generator().manual_seed(seed)
    classes = min(n_classes, HEAD_CLASSES_AT_MOST)
    even_ND = normalize(torch.randn(z_ND.shape, generator=generator), dim=1)
    shares = torch.zeros(2)
    for _ in range(RANDOM_HEADS):
        w_CD = normalize(torch.randn(classes, z_ND.shape[1], generator=generator), dim=1)
        shares += torch.tensor([_largest(one @ w_CD.T) for one in (z_ND, even_ND)])
    measured, expected = (shares / RANDOM_HEADS).tolist()
    return measured, expected


def _largest(logits_NC: Tensor) -> float:
    return float(torch.bincount(logits_NC.argmax(dim=1)).max()) / len(logits_NC)


def nearest_other_mean(z_ND: Tensor, people_N: Tensor, *, centre: bool) -> float:
    """Share of images that are nearest to their own person's mean, formed from the person's *other* images.

    People with a single image are not scored but can be chosen. NaN where nobody has two.
    """
    if centre:
        z_ND = normalize(z_ND - z_ND.mean(dim=0), dim=1)
    people = int(people_N.max()) + 1
    sums_PD = z_ND.new_zeros(people, z_ND.shape[1]).index_add_(0, people_N, z_ND)
    cos_NP = z_ND @ normalize(sums_PD, dim=1).T
    without_own = normalize(sums_PD[people_N] - z_ND, dim=1, eps=1e-6)
    cos_NP.scatter_(1, people_N[:, None], (z_ND * without_own).sum(dim=1, keepdim=True))
    scored = torch.bincount(people_N)[people_N] > 1
    if not bool(scored.any()):
        return math.nan
    own_N = cos_NP.gather(1, people_N[:, None]).squeeze(1)
    others_N = cos_NP.scatter(1, people_N[:, None], -2.0).amax(dim=1)
    return float((own_N > others_N + ROUNDING)[scored].float().mean())


def d_prime_by_lot(z_ND: Tensor, people_N: Tensor, *, seed: int) -> float:
    """Standard deviation of d' over permutations of the labels: what it takes to be no accident.

    Pairs share images, so no formula over pairs would be right. NaN where nobody has two images.
    """
    generator = torch.Generator().manual_seed(seed)
    draws = [
        similarity(z_ND, people_N[torch.randperm(len(people_N), generator=generator)]).d_prime
        for _ in range(LOTS)
    ]
    return float(torch.tensor(draws).std())
