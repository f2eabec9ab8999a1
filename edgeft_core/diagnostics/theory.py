"""What the settings of a margin softmax can reach, in closed form. No torch: forms and preflight use these.

s is the scale, T the temperature, m the additive angular margin in radians, C the number of classes, d the
embedding size. s and T are one knob: only s_eff = s / T matters.
"""

from __future__ import annotations

import math


def effective_scale(scale: float, temperature: float) -> float:
    """s_eff = s / T."""
    return scale / temperature


def attainable_probability(s_eff: float, n_classes: int) -> float:
    """Probability of the target when its cosine is 1 and all others are 0: e^s / (e^s + C - 1).

    s_eff = 2 with C = 518 reaches 1.4 %: such a softmax can hardly learn.
    """
    return 1.0 / (1.0 + (n_classes - 1) * math.exp(-s_eff))


def adacos_scale(n_classes: int) -> float:
    """AdaCos' fixed scale sqrt(2) ln(C - 1); 8.84 for C = 518. Zhang et al. 2019, "AdaCos"."""
    return math.sqrt(2.0) * math.log(n_classes - 1)


def cosface_scale_bound(n_classes: int, probability: float = 0.95) -> float:
    """Smallest scale at which ``probability`` can be reached, (C-1)/C ln((C-1) P / (1-P)); 9.17 for C = 518.

    Wang et al. 2018, "CosFace", equation 6.
    """
    odds = (n_classes - 1) * probability / (1.0 - probability)
    return (n_classes - 1) / n_classes * math.log(odds)


def expected_first_loss(n_classes: int, scale: float, margin_rad: float, dim: int) -> float:
    """ArcFace loss of a random head on random embeddings at T = 1: ln C + s sin m + s^2 / (2d).

    A first loss that is off by more than 15 % points at wrong C, s, m, labels or features.
    """
    return math.log(n_classes) + scale * math.sin(margin_rad) + scale**2 / (2.0 * dim)


def plateau_loss(n_classes: int, scale: float, margin_rad: float) -> float:
    """ArcFace loss when every cosine is 1, T = 1: ln(1 + (C - 1) exp(s (1 - cos m))), about ln C + s (1 - cos m)."""
    return math.log1p((n_classes - 1) * math.exp(scale * (1.0 - math.cos(margin_rad))))


def random_logit_std(s_eff: float, dim: int) -> float:
    """Standard deviation of s cos / T between random directions: s_eff / sqrt(d)."""
    return s_eff / math.sqrt(dim)
