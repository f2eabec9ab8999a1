"""Faces as a run would feed them, and what a network makes of them under any normalisation. On the CPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from edgeft_core.config import DataConfig, Normalisation
from edgeft_core.data import FaceDataset
from edgeft_core.data.images import IntArray
from edgeft_core.data.transforms import normalise
from edgeft_core.engine.pixels import PixelPipeline, as_tensor
from edgeft_core.models.super_resolution import build_super_resolver

CHUNK = 40
"""Images embedded at once: on a CPU, activations of more no longer stay in the cache."""


class PlainFaces:
    """Reads faces of a data set in the range 0..1: enlarged where the run trains on enlarged ones, not augmented."""

    def __init__(self, dataset: FaceDataset, config: DataConfig, seed: int) -> None:
        self._dataset = dataset
        plain = config.model_copy(update={"normalisation": "zero_to_one"})
        self._pixels = PixelPipeline(plain, build_super_resolver(config), seed, torch.device("cpu"))

    def __call__(self, rows_N: IntArray) -> Tensor:
        """(N, 3, px, px) float.

        Raises:
            DataError: a file that could be read before no longer can.
        """
        hr, lr = self._dataset.read_pair(rows_N)
        faces = self._pixels(as_tensor(hr), as_tensor(lr), torch.from_numpy(rows_N), view=None, twins=0)
        return faces.images_B3HW


@torch.no_grad()
def embed(network: nn.Module, images_N3HW: Tensor, kind: Normalisation) -> Tensor:
    """Embeddings (N, D) float32, in evaluation mode; the network's mode is left as it was."""
    was_training = network.training
    network.eval()
    try:
        parts = [network(normalise(part, kind)).float() for part in torch.split(images_N3HW, CHUNK)]
    finally:
        network.train(was_training)
    return torch.cat(parts)


def spread_evenly(people: IntArray, wanted: int) -> IntArray:
    """At most ``wanted`` of these labels, spread evenly."""
    return people[np.linspace(0, len(people) - 1, min(wanted, len(people))).round().astype(np.int64)]


def images_of(rows_N: IntArray, labels_N: IntArray, people: IntArray, per_person: int) -> IntArray:
    """The first ``per_person`` of the rows of each of these people; ``labels_N`` belong to ``rows_N``."""
    order = np.argsort(labels_N, kind="stable")
    sorted_labels = labels_N[order]
    first, last = (np.searchsorted(sorted_labels, people, side=side) for side in ("left", "right"))
    chosen = [order[start : min(start + per_person, end)] for start, end in zip(first, last, strict=True)]
    return rows_N[np.concatenate(chosen)] if chosen else rows_N[:0]


@contextmanager
def few_threads() -> Iterator[None]:
    """Half of the cores for torch: a run may be at work, and threads that wait for each other slow both down."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, (os.cpu_count() or 2) // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
