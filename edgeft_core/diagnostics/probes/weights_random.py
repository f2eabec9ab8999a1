"""Do the weights that the run started from know more than the same network at random?"""

from __future__ import annotations

import torch
from torch import nn

from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell
from edgeft_core.diagnostics.probes.faces import embed
from edgeft_core.diagnostics.probes.spread import Spread, spread
from edgeft_core.diagnostics.probes.untouched import Untouched, listed, untouched
from edgeft_core.models import build_backbone


def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Embed 96 images with the weights as they were loaded and with freshly drawn ones."""
    images_N3HW, labels_N = context.sample_images
    kind = context.config.data.normalisation
    loaded_net = context.started_from[0]
    tell("Loaded weights", 0, 2)
    loaded = spread(embed(loaded_net, images_N3HW, kind), labels_N, context.n_classes)
    tell("Random weights", 1, 2)
    fresh_net = build_backbone(
        context.config.backbone.model_copy(update={"weights": "none"}),
        image_px=context.config.data.image_px,
        seed=context.config.seed + 1,
    ).module
    fresh = spread(embed(fresh_net, images_N3HW, kind), labels_N, context.n_classes)
    nonfinite = sum(
        int((~torch.isfinite(tensor)).sum())
        for tensor in loaded_net.state_dict().values()
        if tensor.is_floating_point()
    )
    never_trained = _never_trained(context, loaded_net, fresh_net)
    values = {
        **_named(loaded, "loaded"),
        **_named(fresh, "random"),
        "nonfinite_loaded": float(nonfinite),
        "untouched_share": never_trained.share,
    }
    text = (
        f"Among {loaded.images} images the nearest class mean is right for {loaded.nearest_mean:.0%} with the loaded "
        f"weights and for {fresh.nearest_mean:.0%} with random ones; different people have a mean cosine of "
        f"{loaded.cos_different:.2f} and {fresh.cos_different:.2f}."
    )
    words = {"untouched": listed(never_trained.modules)} if never_trained.modules else {}
    return ProbeResult("weights_random", values, text, words=words)


def _never_trained(context: ProbeContext, loaded_net: nn.Module, fresh_net: nn.Module) -> Untouched:
    """Modules that hold what an initialisation gives, against two draws."""
    backbone = context.config.backbone.model_copy(update={"weights": "none"})
    other = build_backbone(backbone, image_px=context.config.data.image_px, seed=context.config.seed + 2)
    return untouched(loaded_net, fresh_net, other.module)


def _named(one: Spread, name: str) -> dict[str, float]:
    return {
        f"ncm_top1_{name}": one.nearest_mean,
        f"ncm_top1_centred_{name}": one.nearest_mean_centred,
        f"cos_different_{name}": one.cos_different,
        f"cos_same_{name}": one.cos_same,
        f"d_prime_{name}": one.d_prime,
        f"random_head_share_{name}": one.random_head_share,
    }
