"""Is the network that is trained the one that is evaluated?"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from edgeft_core.data.transforms import normalise
from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell
from edgeft_core.diagnostics.probes.faces import CHUNK, embed
from edgeft_core.engine.device import Precision
from edgeft_core.engine.embedder import Embedder

IMAGES = 64


@torch.no_grad()
def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Embed the same batch in training and in evaluation mode: dropout and BatchNorm may make them differ."""
    tell("Training and evaluation mode", 0, 1)
    images_N3HW = context.sample_images[0][:IMAGES]
    kind = context.config.data.normalisation
    as_evaluated = embed(context.network, images_N3HW, kind)
    network = copy.deepcopy(context.network)  # BatchNorm in training mode updates its statistics
    pixels = normalise(images_N3HW, kind)
    Embedder(network, torch.device("cpu"), Precision()).train_mode(True)
    as_trained = _embedded(network, pixels)
    with_statistics = _embedded(network.train(), pixels)
    values = {
        "cos_train_eval": _mean_cosine(as_trained, as_evaluated),
        "cos_batch_statistics": _mean_cosine(with_statistics, as_evaluated),
        "images": float(len(images_N3HW)),
    }
    text = (
        f"The same {len(images_N3HW)} images have a cosine of {values['cos_train_eval']:.3f} between training and "
        f"evaluation (BatchNorm frozen, as in runs), {values['cos_batch_statistics']:.3f} with it learning."
    )
    return ProbeResult("train_eval", values, text)


def _embedded(network: nn.Module, pixels: Tensor) -> Tensor:
    return torch.cat([network(part).float() for part in torch.split(pixels, CHUNK)])


def _mean_cosine(one_ND: Tensor, other_ND: Tensor) -> float:
    return float(cosine_similarity(one_ND, other_ND, dim=1).mean())
