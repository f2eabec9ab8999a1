"""Signals of embeddings: how widely they are spread, and whether they carry identity.

Shapes: N images, D coordinates. ``z_ND`` are L2-normalised embeddings. Every function returns a 0-dim tensor
on the device of its input and never waits for the device; those of every batch take more dimensions in front
(several steps) and return one number for each.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from edgeft_core.diagnostics.signals.deviation import standard_deviation

PAIRS_AT_MOST = 512
"""Pairwise signals of a batch look at its first so many images: 512 x 512 pairs cost next to nothing."""


def collapse_level(z_ND: Tensor) -> Tensor:
    """Collapse level max(0, 1 - sqrt(D) * mean_d std_n(z_nd)), std with N - 1.

    Range 0 to 1. Embeddings spread evenly over the sphere have std 1/sqrt(D) in every coordinate and give 0;
    one point gives 1. With a common direction, mean pairwise cosine rho gives 1 - sqrt(1 - rho): .29 at .5,
    .68 at .9, .90 at .99.

    Reference: Chen and He 2021, "Exploring Simple Siamese Representation Learning" (std of the normalised output).
    """
    deviation: Tensor = standard_deviation(z_ND, -2, correction=1).mean(dim=-1)
    return (1.0 - deviation * math.sqrt(z_ND.shape[-1])).clamp_min(0.0)


def cos_same_image(z_ND: Tensor, twin_ND: Tensor) -> Tensor:
    """Mean cosine between the embeddings of two versions of the same image, mean_n z_n . t_n.

    Range -1 to 1. High says nothing alone: a backbone that gives one vector for every face scores 1. Read it
    beside :func:`cos_different`.
    """
    return (z_ND * twin_ND).sum(dim=1).mean()


def cos_different(z_ND: Tensor, labels_N: Tensor) -> Tensor:
    """Mean cosine over all pairs of images of different people among the first ``PAIRS_AT_MOST``.

    Range -1 to 1; 0 = unrelated, near 1 = collapsed. NaN where all images show one person.
    """
    z_ND, labels_N = z_ND[..., :PAIRS_AT_MOST, :], labels_N[..., :PAIRS_AT_MOST]
    other_NN = labels_N[..., :, None] != labels_N[..., None, :]
    total: Tensor = (z_ND @ z_ND.mT).mul_(other_NN).sum(dim=(-2, -1))
    return total / other_NN.sum(dim=(-2, -1))


def effective_rank(z_ND: Tensor) -> Tensor:
    """exp(entropy) of the singular values, normalised to sum 1.

    Range 1 to min(N, D). Raw low and centred high = all faces share one direction (point collapse); both low =
    few directions are used (dimensional collapse).

    Reference: Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality".
    """
    values = _singular_values(z_ND)
    share = values / values.sum().clamp_min(torch.finfo(values.dtype).tiny)
    entropy: Tensor = torch.special.entr(share).sum()
    return entropy.exp()


def _singular_values(x_ND: Tensor) -> Tensor:
    """Roots of the eigenvalues of the smaller Gram matrix, in float64: as exact as needed, at half the price."""
    x_ND = x_ND.cpu() if x_ND.device.type == "mps" else x_ND  # which knows no float64
    x_ND = x_ND.double()
    gram = x_ND @ x_ND.T if x_ND.shape[0] <= x_ND.shape[1] else x_ND.T @ x_ND
    values: Tensor = torch.linalg.eigvalsh(gram)
    return values.clamp_min_(0.0).sqrt_()


def effective_rank_centred(z_ND: Tensor) -> Tensor:
    """:func:`effective_rank` with the mean embedding removed."""
    return effective_rank(z_ND - z_ND.mean(dim=0))


def alignment(z_ND: Tensor, twin_ND: Tensor) -> Tensor:
    """Mean squared distance of positive pairs, mean_n ||z_n - t_n||^2. Range 0 (identical) to 4.

    Reference: Wang and Isola 2020, "Understanding Contrastive Representation Learning through Alignment and
    Uniformity on the Hypersphere".
    """
    return (z_ND - twin_ND).square().sum(dim=1).mean()


def uniformity(z_ND: Tensor) -> Tensor:
    """log mean exp(-2 ||z_i - z_j||^2) over all pairs i < j.

    Range -8 to 0: 0 = one point, about -3.98 = spread evenly in 512 dimensions. Reference: Wang and Isola 2020.
    """
    first, second = torch.triu_indices(z_ND.shape[0], z_ND.shape[0], offset=1, device=z_ND.device)
    squared = 2.0 - 2.0 * (z_ND @ z_ND.T)[first, second]
    return torch.logsumexp(-2.0 * squared, dim=0) - math.log(squared.numel())
