"""The network and a few faces as the run would feed them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from edgeft_core.config import BackboneConfig, Normalisation
from edgeft_core.data.images import IntArray
from edgeft_core.data.listing import SplitName
from edgeft_core.data.transforms import normalise
from edgeft_core.diagnostics.probes.spread import Spread, spread
from edgeft_core.engine.pixels import PixelPipeline, as_tensor
from edgeft_core.errors import EdgeFTError, WeightsError
from edgeft_core.models import LoadedBackbone, build_backbone
from edgeft_core.models.super_resolution import build_super_resolver
from edgeft_core.preflight.subject import Subject

PEOPLE = 40
TRAIN_IMAGES, SCORED_IMAGES = 3, 2
"""Of each of these people: pairs enough for a standard error of a fifteenth of d'."""

CHUNK = 40
EMBEDDING_BUDGET_S = 6.0
PASSES = 5
"""About so many times each face is embedded: as fed, under other normalisations, by the same network at random."""


@dataclass
class NetworkSample:
    """A network, faces and what the network makes of them. All on the CPU: another run may hold the device.

    Attributes:
        refusal: why the network cannot be built or filled as asked; ``loaded`` is then what could be had.
    """

    subject: Subject
    loaded: LoadedBackbone | None
    refusal: EdgeFTError | None

    @staticmethod
    def build(subject: Subject) -> NetworkSample:
        """Build and fill the backbone; where its weights do not fit in full, as far as they do."""
        config = subject.config
        try:
            return NetworkSample(subject, _built(config.backbone, subject), None)
        except WeightsError as error:
            partly = config.backbone.model_copy(update={"allow_partial": True})
            loaded = _built(partly, subject) if error.report else None
            return NetworkSample(subject, loaded, error)
        except EdgeFTError as error:
            return NetworkSample(subject, None, error)

    @property
    def network(self) -> nn.Module:
        assert self.loaded is not None
        return self.loaded.module

    @cached_property
    def people(self) -> IntArray:
        """Labels of the people that are looked at: spread evenly, with at least two images to train on if possible."""
        counts_C = self.subject.data.label_counts("train")
        able = np.flatnonzero(counts_C >= min(2, counts_C.max()))
        wanted = min(len(able), PEOPLE, self._affordable())
        return able[np.linspace(0, len(able) - 1, wanted).round().astype(np.int64)]

    @cached_property
    def rows_N(self) -> IntArray:
        """Their training images."""
        return self._rows("train", TRAIN_IMAGES)

    @cached_property
    def scored_rows_N(self) -> IntArray:
        """Their validation images."""
        return self._rows("validation", SCORED_IMAGES)

    @cached_property
    def labels_N(self) -> Tensor:
        return torch.from_numpy(self.subject.data.labels_N[self.rows_N])

    @cached_property
    def images_N3HW(self) -> Tensor:
        """The training images as the run would see them, but in the range 0..1."""
        return self.images(self.rows_N)

    def images(self, rows_N: IntArray) -> Tensor:
        """Faces of 0..1, enlarged where the run trains on enlarged ones; no augmentation."""
        hr, lr = self.subject.data.read_pair(rows_N)
        return self._pixels(
            as_tensor(hr), as_tensor(lr), torch.from_numpy(rows_N), view=None, twins=0
        ).images_B3HW

    @cached_property
    def as_fed(self) -> Spread:
        """How the embeddings lie with everything as the run would do it."""
        return self.spread(self.subject.config.data.normalisation)

    @cached_property
    def as_fresh(self) -> Spread:
        """The same for the same network with random weights."""
        fresh = build_backbone(
            self.subject.config.backbone.model_copy(update={"weights": "none"}),
            image_px=self.subject.config.data.image_px,
            seed=self.subject.config.seed,
        )
        return self.spread(self.subject.config.data.normalisation, fresh.module)

    def spread(self, kind: Normalisation, network: nn.Module | None = None) -> Spread:
        """How the embeddings lie under a normalisation, of this network or of another."""
        emb_ND = self.embed(self.images_N3HW, kind, network)
        return spread(emb_ND, self.labels_N, self.subject.data.n_classes)

    @torch.inference_mode()
    def embed(self, images_N3HW: Tensor, kind: Normalisation, network: nn.Module | None = None) -> Tensor:
        """Embeddings (N, D)."""
        network = (network or self.network).eval()
        parts = [network(normalise(part, kind)).float() for part in torch.split(images_N3HW, CHUNK)]
        return torch.cat(parts)

    @cached_property
    def _pixels(self) -> PixelPipeline:
        config = self.subject.config
        plain = config.data.model_copy(update={"normalisation": "zero_to_one"})
        return PixelPipeline(plain, build_super_resolver(config.data), config.seed, torch.device("cpu"))

    def _rows(self, split: SplitName, per_person: int) -> IntArray:
        rows_N = self.subject.data.splits[split]
        labels_N = self.subject.data.labels_N[rows_N]
        chosen = [rows_N[labels_N == person][:per_person] for person in self.people]
        return np.concatenate(chosen)

    def _affordable(self) -> int:
        """People whose faces can be embedded often enough within the time that a check before training may take."""
        px = self.subject.config.data.image_px
        images = torch.rand(8, 3, px, px)
        self.embed(images[:2], "minus_one_to_one")  # the first call also chooses kernels
        began = time.perf_counter()
        self.embed(images, "minus_one_to_one")
        per_image_s = (time.perf_counter() - began) / len(images)
        people = int(EMBEDDING_BUDGET_S / (per_image_s * PASSES * TRAIN_IMAGES))
        if people < PEOPLE:
            people = max(8, people)
            self.subject.sampled.append(
                f"Embeddings: {people} identities instead of {PEOPLE} were looked at, for this network is slow here."
            )
        return people


def _built(config: BackboneConfig, subject: Subject) -> LoadedBackbone:
    return build_backbone(config, image_px=subject.config.data.image_px, seed=subject.config.seed)
