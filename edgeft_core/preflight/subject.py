"""What is checked: a configuration and, where they can be had, its images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from edgeft_core.config import RunConfig
from edgeft_core.data import FaceDataset, open_dataset
from edgeft_core.data.drawn import DrawnPeople
from edgeft_core.data.images import IntArray, Pixels
from edgeft_core.data.listing import SPLIT_NAMES
from edgeft_core.data.perceptual_hash import Fingerprints, fingerprints
from edgeft_core.errors import DataError
from edgeft_core.preflight.thresholds import DRAWN_IMAGES, HASHED_IMAGES

Progress = Callable[[str, int, int], None]
_CHUNK = 256


@dataclass
class Subject:
    """A configuration about to be run.

    Attributes:
        dataset: None where it cannot be opened; ``refusal`` then says why.
        sampled: sentences about what is looked at in part only; checks add to it.
    """

    config: RunConfig
    cache: Path
    progress: Progress
    dataset: FaceDataset | None = None
    refusal: str = ""
    sampled: list[str] = field(default_factory=list)

    @staticmethod
    def open(config: RunConfig, cache: Path, progress: Progress) -> Subject:
        """Open the data set; files are decoded here the first time."""
        subject = Subject(config, cache, progress)
        try:
            subject.dataset = open_dataset(config.data, seed=config.seed, cache=cache, progress=progress)
        except DataError as error:
            subject.refusal = str(error)
        return subject

    @property
    def data(self) -> FaceDataset:
        """The data set, for checks that run only where there is one."""
        assert self.dataset is not None
        return self.dataset

    @property
    def drawn(self) -> bool:
        """Whether the people are drawn by this program."""
        return self.config.data.source.strip() == "synthetic"

    @property
    def n_classes(self) -> int | None:
        """Identities; None where nobody can tell."""
        if self.dataset is not None:
            return self.dataset.n_classes
        return self.config.data.identities if self.drawn else None

    @cached_property
    def rows_N(self) -> IntArray:
        """The images that pixel checks look at: all of them, or a part spread evenly over identities."""
        used = np.sort(np.concatenate([self.data.splits[name] for name in SPLIT_NAMES]))
        limit = DRAWN_IMAGES if isinstance(self.data.high, DrawnPeople) else HASHED_IMAGES
        if len(used) <= limit:
            return used
        self.sampled.append(f"Pixels: {limit} of {len(used)} images were looked at.")
        return used[np.linspace(0, len(used) - 1, limit).round().astype(np.int64)]

    @cached_property
    def fingerprints(self) -> Fingerprints:
        """Hash, thumbnail and spread of every image of ``rows_N``."""
        return fingerprints(self._pixels("Comparing images"))

    def _pixels(self, what: str) -> Iterator[Pixels]:
        for start in range(0, len(self.rows_N), _CHUNK):
            yield self.data.read_hr(self.rows_N[start : start + _CHUNK])
            self.progress(what, min(start + _CHUNK, len(self.rows_N)), len(self.rows_N))
