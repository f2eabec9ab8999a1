"""What is compared: kinds of embeddings x settings of the head x with and without centring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.presets import PRESETS

HALF_LOADED_FILE = "low_rank.safetensors"


@dataclass(frozen=True)
class Kind:
    """One way in which embeddings come about.

    Attributes:
        title: in tables and figures.
        changes: settings besides those of the data.
        photographs: the AT&T faces instead of drawn people.
    """

    title: str
    changes: Mapping[str, Any]
    photographs: bool = False


_DEMO = {"backbone.weights": "demo"}
_RANDOM = {"backbone.weights": "none"}
_HALF = {"backbone.weights": HALF_LOADED_FILE, "backbone.allow_partial": True}
_RAW = {"data.normalisation": "none"}

KINDS: dict[str, Kind] = {
    "healthy": Kind("healthy", _DEMO),
    "unnormalised": Kind("input 0 to 255", {**_DEMO, **_RAW}),
    "half_loaded": Kind("half-loaded weights", _HALF),
    "random": Kind("random network", _RANDOM),
    "photographs_random": Kind("photographs, random network", _RANDOM, photographs=True),
    "photographs_random_unnormalised": Kind(
        "photographs, random network, input 0 to 255", {**_RANDOM, **_RAW}, photographs=True
    ),
}
"""The demo backbone was taught to mind pixels as 0 to 255; a random network was taught nothing."""

STORY_KINDS = ("healthy", "unnormalised", "half_loaded", "random")
FURTHER_KINDS = ("photographs_random", "photographs_random_unnormalised")

SETTINGS: dict[str, str] = {"before": "reported-before", "fix": "reported-fix", "recommended": "recommended"}
"""Name in tables -> preset whose head and first stage are used."""

CENTRING = (False, True)

KNOBS: dict[str, Mapping[str, float]] = {
    "T 4": {"head.temperature": 4.0},
    "s 8": {"head.scale": 8.0},
    "m 0.1": {"head.margin_rad": 0.1},
    "lr 1e-4": {"stages.0.head_lr": 1e-4},
    "s 8, T 4": {"head.scale": 8.0, "head.temperature": 4.0},
    "s 8, T 4, m 0.1, lr 9e-3": {
        "head.scale": 8.0,
        "head.temperature": 4.0,
        "head.margin_rad": 0.1,
        "stages.0.head_lr": 9e-3,
    },
}
"""The reported change taken apart: what is changed of ``before``. All four changes together are ``fix``."""

KNOB_KINDS = ("unnormalised",)


@dataclass(frozen=True)
class Study:
    """Where and how large; the default is the story's own size, tests take less.

    Attributes:
        work: for images, embeddings and runs.
        epochs: of the first stage, half of what the report took.
        photographs: folder of the AT&T faces; None leaves out the kinds that need it.
        changes: further settings, of all runs.
        kinds: measured with all seeds; ``further`` with the first alone, as is ``second_stages`` (all where empty).
        second_stage_people: steps through the backbone cost a hundred times those of a head, so these are fewer.
    """

    work: Path
    identities: int = 518
    seeds: tuple[int, ...] = (42, 43, 44)
    epochs: int = 5
    photographs: Path | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    second_stage_people: int = 60
    kinds: tuple[str, ...] = STORY_KINDS
    further: tuple[str, ...] = FURTHER_KINDS
    knob_kinds: tuple[str, ...] = KNOB_KINDS
    second_stages: tuple[str, ...] = ()

    @property
    def cache(self) -> Path:
        """Images and embeddings, shared by all runs."""
        return self.work / "cache"

    @property
    def run_folder(self) -> Path:
        """Of the run in progress."""
        return self.work / "run"

    def further_kinds(self) -> tuple[str, ...]:
        """Kinds besides the story's own, as far as their images are there."""
        there = self.photographs is not None
        return tuple(kind for kind in self.further if there or not KINDS[kind].photographs)


def first_stage(study: Study, kind: str, preset: str, seed: int) -> RunConfig:
    """A preset's head and first stage on embeddings of one kind; one thread, no loader processes."""
    base = PRESETS[preset]()
    base = base.model_copy(update={"stages": base.stages[:1], "seed": seed})
    chosen = KINDS[kind]
    source = str(study.photographs) if chosen.photographs else "synthetic"
    config = with_values(
        base,
        {
            "device": "cpu",
            "threads": 1,
            "data.workers": 0,
            "stages.0.epochs": study.epochs,
            "data.identities": study.identities,
            "data.source": source,
            **study.changes,
            **chosen.changes,
        },
    )
    if config.backbone.weights == HALF_LOADED_FILE:
        config = with_values(config, {"backbone.weights": str(study.work / HALF_LOADED_FILE)})
    return config
