"""Does a training step fit into the memory?"""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import torch
from torch import Tensor

from edgeft_core.data.transforms import normalise
from edgeft_core.diagnostics.case import Finding
from edgeft_core.engine.device import choose_device, describe
from edgeft_core.errors import ConfigError
from edgeft_core.preflight.network_checks.sample import NetworkSample
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.thresholds import MEMORY_SHARE_WARNING

_TRIED_IMAGES = 2
_COPIES_TRAINED = 4  # weights, gradients and AdamW's two moments


def training_memory(sample: NetworkSample) -> Iterator[Finding | Passed]:
    """What a step keeps for the backward pass, measured on two images, times the batch."""
    config = sample.subject.config
    try:
        device = choose_device(config.device)
    except ConfigError as error:
        yield Finding("settings.device", "blocking", f"{error}.", fix={"device": "auto"})
        return
    if sample.loaded is None:
        return
    batch = min(config.data.batch_size, len(sample.subject.data.splits["train"]))
    needed, free = _needed(sample, batch), _free(device)
    values = {"needed_bytes": needed, "free_bytes": free, "batch_size": batch}
    told = f"A training step of {batch} images takes about {needed / 2**20:.0f} MiB; {free / 2**20:.0f} are free on "
    told += describe(device)
    if needed <= MEMORY_SHARE_WARNING * free:
        yield Passed("settings.memory", f"{told}.", values)
        return
    fits = max(2, int(batch * MEMORY_SHARE_WARNING * free / needed))
    yield Finding(
        "settings.memory",
        "blocking" if needed > free else "warning",
        f"{told}. About {fits} images would fit.",
        values=values,
        fix={"data.batch_size": fits},
    )


def _needed(sample: NetworkSample, batch: int) -> float:
    config = sample.subject.config
    head = sample.subject.data.n_classes * config.backbone.embedding_dim
    backbone = sum(parameter.numel() for parameter in sample.network.parameters())
    trains = any(stage.train_backbone for stage in config.stages)
    weights = 4.0 * (head * _COPIES_TRAINED + backbone * (_COPIES_TRAINED if trains else 1))
    logits = 4.0 * 4 * batch * sample.subject.data.n_classes
    kept = _kept_per_image(sample) * (batch if trains else 0)
    return weights + logits + kept


def _kept_per_image(sample: NetworkSample) -> float:
    """Bytes that autograd keeps per image, weights left out."""
    seen: dict[int, int] = {}
    weights = {parameter.data_ptr() for parameter in sample.network.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            seen[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    images = normalise(sample.images_N3HW[:_TRIED_IMAGES].clone(), sample.subject.config.data.normalisation)
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        kept = sample.network.train()(
            images
        )  # held until the sizes are counted, so that addresses stay apart
    sample.network.eval()
    del kept
    return sum(seen.values()) / len(images)


def _free(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    return float(psutil.virtual_memory().available)
