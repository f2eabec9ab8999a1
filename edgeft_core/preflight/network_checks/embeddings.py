"""Do faces come out apart, and if not, is it the input, the weights or one shared direction?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import get_args

from edgeft_core.config import Normalisation
from edgeft_core.diagnostics.case import Finding
from edgeft_core.diagnostics.causes.inputs import expected_normalisation
from edgeft_core.diagnostics.probes.spread import Spread
from edgeft_core.diagnostics.thresholds import COLLAPSED_COSINE, PEOPLE_TO_COMPARE, RANGE_INFORMATION
from edgeft_core.preflight.network_checks.sample import NetworkSample
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.thresholds import (
    BLIND_ERRORS,
    CENTRING_GAIN,
    CROWDED_COSINE,
    RANGE_BLOCKING_RECOVERY,
    RANGE_COSINE,
    RANGE_KEPT_SEPARATION,
    RANGE_PREFERRED,
    RANGE_RECOVERY,
)

CHECK = "embeddings.spread"
WORDS: dict[Normalisation, str] = {
    "minus_one_to_one": "-1 to 1",
    "imagenet": "ImageNet statistics",
    "zero_to_one": "0 to 1",
    "none": "0 to 255",
}


def embedding_spread(sample: NetworkSample) -> Iterator[Finding | Passed]:
    """Spread as fed, against other normalisations and against the same network at random."""
    if sample.loaded is None or len(sample.people) < 2:
        return
    fed = sample.as_fed
    values = fed.as_values()
    if not math.isfinite(fed.cos_different):
        told = "The network gives NaN or infinity for faces as the run would feed them; look at weights and pixels."
        yield Finding("embeddings.nonfinite", "blocking", told, cause="numerics.nonfinite", values=values)
        return
    if fed.cos_different >= RANGE_COSINE:
        kind, best = _best_alternative(sample)
        recovery = _recovery(fed, best)
        values |= {"recovery": recovery} | best.as_values(f"{kind}.")
        made_for = kind == expected_normalisation(sample.subject.config.backbone.weights)
        needed = (RANGE_KEPT_SEPARATION if made_for else RANGE_INFORMATION) * fed.d_prime
        apart = best.cos_different < CROWDED_COSINE and best.d_prime >= needed
        # A few people may look alike: no reason to doubt what such weights are made for.
        apart = apart and (made_for or len(sample.people) >= PEOPLE_TO_COMPARE)
        if recovery >= RANGE_RECOVERY and apart:
            yield _wrong_range(sample, kind, best, recovery, values)
            return
    if fed.cos_different >= CROWDED_COSINE:
        yield _crowded(sample, values)
        return
    healthy = fed.cos_different < RANGE_COSINE
    told = "That is a healthy spread." if healthy else "That is close, but no other range of pixels helps."
    yield Passed(CHECK, f"{_seen(fed)} {told}", values)


def _best_alternative(sample: NetworkSample) -> tuple[Normalisation, Spread]:
    """The normalisation, other than the one in use, under which different people are farthest apart.

    The one that such weights are made for stands unless another is more than half again as good: contrast alone
    spreads embeddings a little.
    """
    config = sample.subject.config
    used, expected = config.data.normalisation, expected_normalisation(config.backbone.weights)
    tried = {kind: sample.spread(kind) for kind in get_args(Normalisation) if kind != used}
    kind = min(tried, key=lambda one: tried[one].cos_different)
    if expected in tried and _recovery(tried[expected], tried[kind]) < RANGE_PREFERRED:
        kind = expected
    return kind, tried[kind]


def _recovery(fed: Spread, other: Spread) -> float:
    """How much farther apart different people are: ratio of 1 - cosine."""
    return (1.0 - other.cos_different) / max(1.0 - fed.cos_different, 1e-6)


def _wrong_range(
    sample: NetworkSample, kind: Normalisation, best: Spread, recovery: float, values: dict[str, float]
) -> Finding:
    fed, used = sample.as_fed, sample.subject.config.data.normalisation
    return Finding(
        "embeddings.input_range",
        "blocking" if recovery >= RANGE_BLOCKING_RECOVERY else "warning",
        f"{_seen(fed)} With pixels as {WORDS[kind]} instead of {WORDS[used]} the same network gives different people "
        f"a cosine of {best.cos_different:.2f} and a random head's largest class {best.random_head_share:.0%}: the "
        f"backbone expects another range of pixels. Set data.normalisation={kind}.",
        cause="input.range",
        values=values,
        fix={"data.normalisation": kind},
    )


def _crowded(sample: NetworkSample, values: dict[str, float]) -> Finding:
    """Crowded, and no range of pixels helps: what else is it?"""
    fed, fresh, loaded = sample.as_fed, sample.as_fresh, sample.loaded
    assert loaded is not None
    values |= fresh.as_values("fresh.")
    seen = f"{_seen(fed)} The same network at random gives {fresh.cos_different:.2f}."
    if loaded.report.source == "none":
        told = f"{seen} These weights are random too: training has to spread the embeddings."
        return Finding(CHECK, "info", told, values=values)
    if not loaded.report.complete:
        told = f"{seen} Layers that were not loaded scramble what the others compute."
        return Finding(CHECK, "warning", told, cause="weights.missing", values=values)
    if fed.nearest_mean_centred >= fed.nearest_mean + CENTRING_GAIN:
        return _common_mode(fed, seen, values)
    blind = fed.d_prime < BLIND_ERRORS * fed.d_prime_error
    if blind and fed.cos_different < COLLAPSED_COSINE and fresh.d_prime < BLIND_ERRORS * fresh.d_prime_error:
        told = (
            f"{seen} Neither finds images of one name more alike than others, and random weights mostly do: the names "
            "may not belong to the faces. Look at a few identities in the preview."
        )
        return Finding(CHECK, "warning", told, cause="labels.shuffled", values=values)
    if blind:
        told = (
            f"{seen} They carry no identity either, and no range of pixels changes that. Use other weights."
        )
        return Finding(CHECK, "warning", told, cause="embedding.collapsed", values=values)
    told = f"{seen} They do tell people apart (d' {fed.d_prime:.1f}); centring them (head.centre) may help."
    return Finding(CHECK, "info", told, values=values)


def _common_mode(fed: Spread, seen: str, values: dict[str, float]) -> Finding:
    return Finding(
        CHECK,
        "warning",
        f"{seen} With the mean embedding removed, nearest class means are right for {fed.nearest_mean_centred:.0%} "
        f"instead of {fed.nearest_mean:.0%}: faces share one direction but differ besides. Switch on head.centre.",
        cause="embedding.common_mode",
        values=values,
        fix={"head.centre": True},
    )


def _seen(fed: Spread) -> str:
    return (
        f"{fed.images} faces as the run would feed them: different people have a mean cosine of "
        f"{fed.cos_different:.2f}, the same person {fed.cos_same:.2f}; under a random head "
        f"{fed.random_head_share:.0%} fall on one class (spread evenly: {fed.random_head_expected:.0%})."
    )
