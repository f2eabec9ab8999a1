"""What all parts of one run share: config, data, network, and where the run is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from edgeft_core.config import RunConfig
from edgeft_core.data import FaceDataset
from edgeft_core.engine.controls import LiveSettings
from edgeft_core.engine.device import Precision
from edgeft_core.engine.embedder import Embedder
from edgeft_core.engine.embedding_store import EmbeddingStore
from edgeft_core.engine.pixels import PixelPipeline
from edgeft_core.engine.position import Position, steps_per_epoch
from edgeft_core.events import Event, IntArray, Notice, PlanChanged
from edgeft_core.models.heads import MarginHead
from edgeft_core.models.weights.report import WeightsReport


@dataclass
class Session:
    """One run in this process.

    Attributes:
        config: as the run was asked for; ``live`` holds what is in force.
        folder: the run's folder; checkpoints go below it.
        store: embeddings on disk; off where the data set cannot name its pixels.
        backbone_changed: whether a stage has trained the backbone, so that checkpoints must hold it.
        warnings: stay with the run for good.
    """

    config: RunConfig
    live: LiveSettings
    folder: Path
    device: torch.device
    precision: Precision
    dataset: FaceDataset
    pixels: PixelPipeline
    embedder: Embedder
    head: MarginHead
    report: WeightsReport
    store: EmbeddingStore
    warnings: tuple[str, ...] = ()
    position: Position = field(default_factory=Position)
    backbone_changed: bool = False

    @property
    def train_rows_N(self) -> IntArray:
        """Places of the training images in the data set."""
        return self.dataset.splits["train"]

    @cached_property
    def batch_size(self) -> int:
        return min(self.config.data.batch_size, len(self.train_rows_N))

    @cached_property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(len(self.train_rows_N), self.batch_size)

    @property
    def steps_total(self) -> int:
        """Planned steps over all stages; early stopping makes it fewer."""
        return self.steps_per_epoch * sum(stage.epochs for stage in self.live.config.stages)

    def first_epoch(self, stage: int) -> int:
        """Epochs planned before a stage: orders and augmentations never repeat between stages."""
        return [0, *accumulate(one.epochs for one in self.config.stages)][stage]

    def labels_of(self, rows: IntArray) -> torch.Tensor:
        """True classes on the device."""
        return torch.from_numpy(self.dataset.labels_N[rows]).to(self.device)

    def apply_head_settings(self) -> None:
        """Put the live head settings in force."""
        head = self.live.head
        self.head.scale = head.scale
        self.head.margin_rad = head.margin_rad
        self.head.temperature = head.temperature
        self.head.centre = head.centre
        self.head.label_smoothing = head.label_smoothing

    def follow_ramps(self) -> None:
        """Put in force what settings on their way are to be in the next step."""
        if self.live.ramps:
            self.live.follow(self.position.step + 1)
            self.apply_head_settings()

    def plan(self) -> PlanChanged:
        """What is to be done, as it stands now."""
        return PlanChanged(self.position.step, self.steps_total, self.live.config.stages)

    def trained_classes_C(self) -> npt.NDArray[np.bool_]:
        """Per class, whether it has training images; only such classes can be scored."""
        trained = np.zeros(self.dataset.n_classes, np.bool_)
        trained[self.dataset.labels_N[self.train_rows_N]] = True
        return trained

    def opening_notices(self) -> Iterator[Event]:
        """What was done to the data without asking."""
        for note in self.dataset.notes:
            yield Notice("info", self.position.step, note)
        skipped = self.dataset.skipped
        if skipped:
            shown = "; ".join(f"{item}: {reason}" for item, reason in skipped[:20])
            more = f" and {len(skipped) - 20} more" if len(skipped) > 20 else ""
            yield Notice("warning", self.position.step, f"{len(skipped)} images were skipped: {shown}{more}.")
