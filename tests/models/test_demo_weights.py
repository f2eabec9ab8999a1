"""The weights that ship: the file is the one that the README describes, and it recognises people it never saw."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from edgeft_core.data.synthetic import draw_faces
from edgeft_core.models.edgeface import edgeface_xxs

CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
WEIGHTS = CHECKPOINTS / "edgeface_xxs_synthetic.safetensors"
PEOPLE, SHOTS, GALLERY_SHOTS = 100, 12, 8


def test_the_file_is_small_half_precision_and_has_published_keys() -> None:
    tensors = load_file(WEIGHTS)
    assert WEIGHTS.stat().st_size < 3_000_000
    assert all(key.startswith("model.") for key in tensors)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())


def test_the_readme_names_the_checksum_of_the_file() -> None:
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert digest in re.findall(r"\b[0-9a-f]{64}\b", (CHECKPOINTS / "README.md").read_text(encoding="utf-8"))


def test_every_tensor_of_the_network_is_in_the_file() -> None:
    tensors = load_file(WEIGHTS)
    assert {key: value.shape for key, value in edgeface_xxs().state_dict().items()} == {
        key: value.shape for key, value in tensors.items()
    }


@torch.no_grad()
def embeddings(images: NDArray[np.uint8], small_px: int | None) -> Tensor:
    """Unit-length embeddings (PEOPLE, SHOTS, D), optionally of pictures reduced to small_px and enlarged again."""
    network = edgeface_xxs()
    network.load_state_dict({key: value.float() for key, value in load_file(WEIGHTS).items()})
    network.eval()
    parts = []
    for start in range(0, len(images), 100):
        inputs = (torch.from_numpy(images[start : start + 100]).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
        if small_px is not None:
            small = functional.interpolate(inputs, size=small_px, mode="bicubic", antialias=True)
            inputs = functional.interpolate(small, size=112, mode="bicubic").clamp(-1, 1)
        parts.append(functional.normalize(network(inputs)))
    return torch.cat(parts).reshape(PEOPLE, SHOTS, -1)


@pytest.mark.slow
@pytest.mark.parametrize(("small_px", "least_top1"), [(None, 0.90), (32, 0.85)])
def test_people_never_trained_on_are_recognised_and_kept_apart(
    small_px: int | None, least_top1: float
) -> None:
    images = draw_faces(np.repeat(np.arange(PEOPLE), SHOTS), np.tile(np.arange(SHOTS), PEOPLE))
    emb_ISD = embeddings(images, small_px)
    means = functional.normalize(emb_ISD[:, :GALLERY_SHOTS].mean(dim=1))
    cosine_IPI = emb_ISD[:, GALLERY_SHOTS:] @ means.T
    assert float((cosine_IPI.argmax(dim=2) == torch.arange(PEOPLE)[:, None]).float().mean()) > least_top1
    flat = emb_ISD.flatten(0, 1)
    person = torch.arange(PEOPLE).repeat_interleave(SHOTS)
    different = (flat @ flat.T)[person[:, None] != person[None, :]]
    assert float(different.mean()) < 0.3
