"""Do faces come out apart, and if not, is it the input, the weights or one shared direction?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from edgeft_core.config import Normalisation
from edgeft_core.diagnostics.case import Finding
from edgeft_core.diagnostics.probes.spread import Spread
from edgeft_core.preflight.network_checks.sample import NetworkSample
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.thresholds import (
    CENTRING_GAIN,
    CROWDED_COSINE,
    RANGE_BLOCKING_RECOVERY,
    RANGE_COSINE,
    RANGE_KEPT_SEPARATION,
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
    if fed.cos_different >= RANGE_COSINE:
        kind, best = _best_alternative(sample)
        recovery = _recovery(fed, best)
        values |= {"recovery": recovery} | best.as_values(f"{kind}.")
        apart = best.cos_different < CROWDED_COSINE and best.d_prime >= RANGE_KEPT_SEPARATION * fed.d_prime
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
    """The normalisation, other than the one in use, under which different people are farthest apart."""
    used = sample.subject.config.data.normalisation
    tried = {kind: sample.spread(kind) for kind in get_args(Normalisation) if kind != used}
    kind = min(tried, key=lambda one: tried[one].cos_different)
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
    """Crowded, and no range of pixels helps."""
    fed, fresh, loaded = sample.as_fed, sample.as_fresh, sample.loaded
    assert loaded is not None
    values |= fresh.as_values("fresh.")
    beside = f" The same network at random gives {fresh.cos_different:.2f}."
    if not loaded.report.complete:
        return Finding(
            CHECK,
            "warning",
            f"{_seen(fed)}{beside} Layers that were not loaded scramble what the others compute.",
            cause="weights.missing",
            values=values,
        )
    if loaded.report.source == "none":
        return Finding(
            CHECK,
            "info",
            f"{_seen(fed)} The weights are random, and this network starts that way: training has to spread them.",
            values=values,
        )
    if fed.nearest_mean_centred >= fed.nearest_mean + CENTRING_GAIN:
        return Finding(
            CHECK,
            "warning",
            f"{_seen(fed)}{beside} With the mean embedding removed, nearest class means are right for "
            f"{fed.nearest_mean_centred:.0%} instead of {fed.nearest_mean:.0%}: faces share one direction but differ "
            "besides. Switch on head.centre.",
            cause="embedding.common_mode",
            values=values,
            fix={"head.centre": True},
        )
    blind = fed.d_prime < 2.0 * fed.d_prime_error
    told = (
        "They carry no identity information either"
        if blind
        else f"They do tell people apart (d' {fed.d_prime:.1f})"
    )
    return Finding(
        CHECK,
        "warning" if blind else "info",
        f"{_seen(fed)}{beside} {told}; no range of pixels changes that. "
        + ("Use other weights." if blind else "Centring (head.centre) or training the backbone may help."),
        cause="embedding.collapsed" if blind else "",
        values=values,
    )


def _seen(fed: Spread) -> str:
    return (
        f"{fed.images} faces as the run would feed them: different people have a mean cosine of "
        f"{fed.cos_different:.2f}, the same person {fed.cos_same:.2f}; under a random head "
        f"{fed.random_head_share:.0%} fall on one class (spread evenly: {fed.random_head_expected:.0%})."
    )
