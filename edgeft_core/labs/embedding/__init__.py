"""Embeddings for a lab where no run has kept any: from a run's last checkpoint, or from data and weights alone.

The work needs torch and runs in a process of its own (``python -m edgeft_core.labs.embedding``); this file does not
load it. Class weights come in two versions: those of the head, and the class means of training images, which need no
training.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final, Literal

from edgeft_core.config import RunConfig
from edgeft_core.settings import DEMO_WEIGHTS

Weights = Literal["head", "means"]
WEIGHTS: Final[tuple[Weights, ...]] = ("head", "means")
_VERSION = 1


def place_of(cache: Path, config: RunConfig, run_folder: Path | None) -> Path:
    """The folder of what was embedded for these settings and weights; another one when they change."""
    asked = {"data": config.data.model_dump(), "backbone": config.backbone.model_dump(), "seed": config.seed}
    weights = (
        DEMO_WEIGHTS if config.backbone.weights == "demo" else Path(config.backbone.weights).expanduser()
    )
    files = [weights] if run_folder is None else [run_folder / "checkpoints" / "last.pt"]
    facts = [_VERSION, asked, str(run_folder), [_changed(path) for path in files]]
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    return cache / "labs" / name


def _changed(path: Path) -> list[int]:
    try:
        facts = path.stat()
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime_ns]
