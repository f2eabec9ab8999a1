"""A low-rank checkpoint, as EdgeFace's gamma variants are published, for a network that has plain layers."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file

from edgeft_core.config import BackboneConfig
from edgeft_core.models import build_backbone
from edgeft_core.models.low_rank import factor_linears

RANK_RATIO = 0.5
"""As edgeface_s_gamma_05."""


def write_low_rank(path: Path, backbone: BackboneConfig) -> None:
    """Write ``backbone`` with every linear layer replaced by its best approximation in two factors.

    Loaded into the plain network, the factors (``linear1``, ``linear2``) find no place and those layers stay random;
    everything else fits.
    """
    network = build_backbone(backbone).module
    factor_linears(network, RANK_RATIO, approximate=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)
