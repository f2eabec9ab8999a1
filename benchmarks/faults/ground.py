"""Healthy runs to put faults into, on drawn people and on photographs, and the folders they read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.data.drawn import DrawnPeople
from edgeft_core.data.images import Pixels
from edgeft_core.data.splits import shares
from edgeft_core.data.synthetic import identity_name
from edgeft_core.presets import recommended
from edgeft_core.settings import DEMO_WEIGHTS, REPOSITORY

Kind = Literal["synthetic", "faces"]

PEOPLE, IMAGES_EACH = 100, 8
VALIDATION, TEST = 0.2, 0.1
"""Shares: of eight pictures five train, two validate (so that pairs of one person can be compared), one tests."""

HEAD_STEPS = 450
"""Planned for a stage that trains the head alone: longer than what is looked at, so that a live fix has time."""

FIRST_STEPS, PIXEL_STEPS = 30, 80
"""Planned for a head stage that only leads to the fine-tuning, and for the fine-tuning."""

IMAGE_PX = 64
"""A third of the time of 112 px, and the demo weights still know people; the held-out runs use 112."""


@dataclass(frozen=True)
class Ground:
    """One data set, one seed, and a home for files.

    Attributes:
        people: drawn people; photographs are what they are.
        images_each: drawn images of each of them.
    """

    kind: Kind
    seed: int
    home: Path
    people: int = PEOPLE
    images_each: int = IMAGES_EACH
    image_px: int = IMAGE_PX

    @property
    def cache(self) -> Path:
        """For drawn images and embeddings, shared by all runs."""
        return self.home / "cache"

    @property
    def steps_per_epoch(self) -> int:
        people, each = (self.people, self.images_each) if self.kind == "synthetic" else (40, 10)
        return max(1, people * shares(each, VALIDATION, TEST)[0] // 32)

    def head_only(self, **changed: Any) -> RunConfig:
        """The recommended head stage alone; keys with ``__`` for dots."""
        epochs = max(2, round(HEAD_STEPS / self.steps_per_epoch))
        base = recommended()
        return self._with(base.model_copy(update={"stages": base.stages[:1]}), epochs, changed)

    def two_stages(self, **changed: Any) -> RunConfig:
        """A short head stage, then the recommended fine-tuning of all weights."""
        first, second = (max(1, round(steps / self.steps_per_epoch)) for steps in (FIRST_STEPS, PIXEL_STEPS))
        quick = {
            "stages__0__warmup_steps": 10,
            "stages__1__epochs": second,
            "stages__1__warmup_steps": 10,
        }
        return self._with(recommended(), first, quick | changed)

    def _with(self, config: RunConfig, epochs: int, changed: dict[str, Any]) -> RunConfig:
        source = str(self.photographs) if self.kind == "faces" else "synthetic"
        usual = {
            "seed": self.seed,
            "threads": 1,
            "device": "cpu",
            "data__source": source,
            "data__identities": self.people,
            "data__images_per_identity": self.images_each,
            "data__workers": 0,
            "data__image_px": self.image_px,
            "data__validation_fraction": VALIDATION,
            "data__test_fraction": TEST,
            "stages__0__epochs": epochs,
            "stages__0__cached_views": 1,
        }
        return with_values(
            config, {key.replace("__", "."): value for key, value in (usual | changed).items()}
        )

    @cached_property
    def photographs(self) -> Path:
        """A folder per person."""
        return Path(os.environ.get("EDGEFT_ATT_FACES", REPOSITORY.parent / "shared/data/att_faces"))

    @property
    def folder(self) -> Path:
        """The same people as files, a folder per person: photographs, or drawn ones written once."""
        if self.kind == "faces":
            return self.photographs
        target = self.home / f"drawn-{self.people}x{self.images_each}-{self.seed}"
        return _once(target, self._draw)

    def _draw(self, target: Path) -> None:
        drawn = DrawnPeople(self.cache / "synthetic", self.people, self.images_each, self.seed, 112)
        for person in range(self.people):
            places = np.arange(person * self.images_each, (person + 1) * self.images_each)
            for number, face in enumerate(drawn.read(places)):
                write(target / identity_name(person) / f"{number:02d}.png", face)

    def damaged(self, name: str, work: Callable[[Path, Path], None]) -> Path:
        """A damaged copy of :attr:`folder`: ``work`` gets the good folder and the one to fill."""
        target = self.home / f"{name}-{self.kind}-{self.people}x{self.images_each}-{self.seed}"
        good = self.folder
        return _once(target, lambda part: work(good, part))

    def weights(self, name: str, damage: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> str:
        """A weight file made from the demo weights."""
        target = self.home / f"{name}-{self.seed}.safetensors"
        if not target.exists():
            save_file(damage(dict(load_file(DEMO_WEIGHTS))), target)
        return str(target)


def write(path: Path, face: Pixels) -> None:
    """One picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(face).save(path)


def _once(target: Path, fill: Callable[[Path], None]) -> Path:
    """A folder that is there whole or not at all."""
    if not target.exists():
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        shutil.rmtree(part, ignore_errors=True)
        fill(part)
        try:
            part.replace(target)
        except OSError:  # another process was quicker
            shutil.rmtree(part)
    return target
