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
from edgeft_core.diagnostics.probes.faces import PlainFaces, embed, images_of, spread_evenly
from edgeft_core.diagnostics.probes.spread import Spread, spread
from edgeft_core.errors import EdgeFTError, WeightsError
from edgeft_core.models import LoadedBackbone, build_backbone
from edgeft_core.preflight.subject import Subject

PEOPLE = 40
TRAIN_IMAGES, SCORED_IMAGES = 3, 2
"""Of each of these people: pairs enough for a standard error of a fifteenth of d'."""

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
        return spread_evenly(able, min(PEOPLE, self._affordable()))

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
    def faces(self) -> PlainFaces:
        return PlainFaces(self.subject.data, self.subject.config.data, self.subject.config.seed)

    @cached_property
    def images_N3HW(self) -> Tensor:
        """The training images as the run would see them, but in the range 0..1."""
        return self.faces(self.rows_N)

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
        emb_ND = embed(network or self.network, self.images_N3HW, kind)
        return spread(emb_ND, self.labels_N, self.subject.data.n_classes)

    def _rows(self, split: SplitName, per_person: int) -> IntArray:
        rows_N = self.subject.data.splits[split]
        return images_of(rows_N, self.subject.data.labels_N[rows_N], self.people, per_person)

    def _affordable(self) -> int:
        """People whose faces can be embedded often enough within the time that a check before training may take."""
        px = self.subject.config.data.image_px
        images = torch.rand(8, 3, px, px)
        embed(self.network, images[:2], "minus_one_to_one")  # the first call also chooses kernels
        began = (
            time.process_time()
        )  # what it would take if nobody else worked here: the same sample on a busy day
        embed(self.network, images, "minus_one_to_one")
        per_image_s = (time.process_time() - began) / len(images) / torch.get_num_threads()
        people = int(EMBEDDING_BUDGET_S / (per_image_s * PASSES * TRAIN_IMAGES))
        if people < PEOPLE:
            people = max(8, people)
            self.subject.sampled.append(
                f"Embeddings: {people} identities instead of {PEOPLE} were looked at, for this network is slow."
            )
        return people


def _built(config: BackboneConfig, subject: Subject) -> LoadedBackbone:
    return build_backbone(config, image_px=subject.config.data.image_px, seed=subject.config.seed)
