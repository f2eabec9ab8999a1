"""Can this head learn so many identities? Closed forms of :mod:`edgeft_core.diagnostics.theory`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from edgeft_core.config import HeadConfig
from edgeft_core.diagnostics import theory
from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.subject import Subject
from edgeft_core.preflight.thresholds import MARGIN_NOTABLE_RAD, MARGIN_WARNING_RAD, USEFUL_PROBABILITY


def reach(subject: Subject) -> Iterator[Finding | Passed]:
    """Is s / T large enough to be sure, and small enough not to be sure of noise?"""
    n_classes, head = subject.n_classes, subject.config.head
    if n_classes is None:
        return
    s_eff = theory.effective_scale(head.scale, head.temperature)
    attainable = theory.attainable_probability(s_eff, n_classes)
    bound = theory.cosface_scale_bound(n_classes)
    noise = s_eff**2 / (2 * subject.config.backbone.embedding_dim)
    values = {
        "s_eff": s_eff,
        "attainable_probability": attainable,
        "adacos_scale": theory.adacos_scale(n_classes),
        "cosface_bound": bound,
        "random_logit_noise": noise,
    }
    seen = f"s / T = {s_eff:g} can reach a probability of {attainable:.1%} with {n_classes} identities"
    useful = _rounded(bound * 1.5 * head.temperature)
    if attainable < USEFUL_PROBABILITY:
        yield Finding(
            "settings.reach",
            "warning",
            f"{seen}: such a softmax can hardly learn, whatever the embeddings. 95 % need {bound:.1f} at least. It "
            "does not change which class a given model predicts, only what it learns.",
            cause="scale.too_low",
            values=values,
            fix={"head.scale": useful},
        )
    elif noise > math.log(n_classes):
        yield Finding(
            "settings.reach",
            "warning",
            f"s / T = {s_eff:g} makes the softmax sure of random directions (their spread alone adds {noise:.1f} to "
            f"the loss, guessing costs {math.log(n_classes):.1f}): few images carry all of the gradient.",
            cause="scale.too_high",
            values=values,
            fix={"head.scale": useful},
        )
    else:
        yield Passed("settings.reach", f"{seen} (95 % need {bound:.1f}).", values)


def margin(subject: Subject) -> Iterator[Finding | Passed]:
    """Does the margin leave something to win?"""
    n_classes, head = subject.n_classes, subject.config.head
    if n_classes is None or head.kind == "softmax":
        return
    s_eff = theory.effective_scale(head.scale, head.temperature)
    best = math.cos(head.margin_rad) if head.kind == "arcface" else 1.0 - head.margin_rad
    attainable = theory.attainable_probability(s_eff * best, n_classes)
    without = theory.attainable_probability(s_eff, n_classes)
    values = {"margin_rad": head.margin_rad, "attainable_with_margin": attainable}
    unit = "rad" if head.kind == "arcface" else "off the cosine"
    seen = f"With a margin of {head.margin_rad:g} {unit} a perfect embedding reaches {attainable:.1%}"
    starves = attainable < USEFUL_PROBABILITY <= without
    if starves or head.margin_rad >= MARGIN_WARNING_RAD:
        why = (
            "" if starves else ", but a random one starts so far from its class that little gradient is left"
        )
        yield Finding(
            "settings.margin",
            "warning",
            f"{seen}{why}: accuracy may stay at 0 for long. Published values are {_published(head)}.",
            cause="margin.too_large",
            values=values,
            fix={"head.margin_rad": 0.2},
        )
    elif head.margin_rad > MARGIN_NOTABLE_RAD:
        yield Finding(
            "settings.margin",
            "info",
            f"{seen}. The margin is above the published {_published(head)}; start lower and raise it while it trains.",
            values=values,
        )
    else:
        yield Passed("settings.margin", f"{seen}.", values)


def first_loss(subject: Subject) -> Iterator[Finding | Passed]:
    """What the first loss should be, and where a collapse would rest; to compare the first batch with."""
    n_classes, head = subject.n_classes, subject.config.head
    if n_classes is None or head.kind != "arcface":
        return
    s_eff = theory.effective_scale(head.scale, head.temperature)
    dim = subject.config.backbone.embedding_dim
    expected = theory.expected_first_loss(n_classes, s_eff, head.margin_rad, dim)
    plateau = theory.plateau_loss(n_classes, s_eff, head.margin_rad)
    yield Passed(
        "settings.first_loss",
        f"The first loss should be near {expected:.2f} (guessing without margin: ln C = {math.log(n_classes):.2f}); "
        f"a collapsed network rests at {plateau:.2f}.",
        {"expected_first_loss": expected, "plateau_loss": plateau, "ln_classes": math.log(n_classes)},
    )


def _rounded(scale: float) -> float:
    return float(min(256.0, max(0.5, math.ceil(scale))))


def _published(head: HeadConfig) -> str:
    return "0.5 rad (ArcFace)" if head.kind == "arcface" else "0.35 (CosFace)"
