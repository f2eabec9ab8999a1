"""Small real runs, trained in this process, for the tests of probes."""

from __future__ import annotations

from pathlib import Path

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.probes import ProbeContext
from edgeft_core.engine import train
from edgeft_core.engine.controls import NoControls
from edgeft_core.presets import PRESETS


def small(**values: object) -> RunConfig:
    """Forty drawn people with the demo weights; keys with ``__`` for dots."""
    named = {"data.images_per_identity": 10, "threads": 1, "monitor.sample_images": 4}
    return with_values(
        PRESETS["smoke"](), {**named, **{key.replace("__", "."): value for key, value in values.items()}}
    )


def trained(config: RunConfig, folder: Path, cache: Path) -> Path:
    """The folder of a run that went to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    for _ in train(config, folder=folder, cache=cache, controls=NoControls()):
        pass
    return folder


def opened(config: RunConfig, folder: Path, cache: Path) -> ProbeContext:
    folder.mkdir(parents=True, exist_ok=True)
    return ProbeContext.open(config, folder=folder, cache=cache, tell=silent)


def silent(what: str, done: int, total: int) -> None:
    """Nobody waits."""
