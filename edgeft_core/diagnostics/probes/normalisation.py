"""Would the network tell faces better apart if it got their pixels in another range?"""

from __future__ import annotations

from typing import get_args

from edgeft_core.config import Normalisation
from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell
from edgeft_core.diagnostics.probes.faces import embed
from edgeft_core.diagnostics.probes.spread import Spread, spread

KINDS: tuple[Normalisation, ...] = get_args(Normalisation)


def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Embed 96 images under every normalisation and compare how far apart different people come out."""
    images_N3HW, labels_N = context.sample_images
    found: dict[Normalisation, Spread] = {}
    for number, kind in enumerate(KINDS):
        tell("Other normalisations", number, len(KINDS))
        found[kind] = spread(embed(context.network, images_N3HW, kind), labels_N, context.n_classes)
    used = context.config.data.normalisation
    best = min(found, key=lambda kind: found[kind].cos_different)
    values: dict[str, float] = {}
    for kind, one in found.items():
        values |= {
            f"cos_different_{kind}": one.cos_different,
            f"cos_same_{kind}": one.cos_same,
            f"d_prime_{kind}": one.d_prime,
            f"ncm_top1_{kind}": one.nearest_mean,
            f"random_head_share_{kind}": one.random_head_share,
        }
    values |= {
        "random_head_expected": found[used].random_head_expected,
        "gain": (1.0 - found[best].cos_different) / max(1.0 - found[used].cos_different, 1e-6),
        "images": float(len(images_N3HW)),
    }
    text = (
        f"Different people have a mean cosine of {found[used].cos_different:.2f} with the normalisation in use "
        f"({used}); the best is {best} with {found[best].cos_different:.2f}."
    )
    return ProbeResult("normalisation", values, text, words={"used": used, "best": best})
