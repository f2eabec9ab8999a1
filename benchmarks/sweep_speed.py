"""What a sweep costs beside the same heads trained one after the other by the engine, in one process: JSON out.

Embeddings are computed first and read from the cache by both. Some of the heads are trained alone and the time of all
is reckoned from them. Processor time of the process is told beside the clock's, since other work on the machine
changes their ratio little. Run with ``python benchmarks/sweep_speed.py`` (64 heads, 518 classes, 512 numbers, about
5 000 embeddings, 10 epochs).
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.engine import NoControls, train
from edgeft_core.events import Event, RunPrepared, StageEnded, StageStarted
from edgeft_core.labs.sweep.axes import parse_axis
from edgeft_core.labs.sweep.base import with_sweep
from edgeft_core.labs.sweep.heads import config_of, head_count, heads_of
from edgeft_core.labs.sweep.training import train_heads
from edgeft_core.presets import recommended

AXES = ("head.scale=log:2..64:4", "head.temperature=log:0.5..4:4", "head.margin_rad=0,0.2", "lr=1e-3,3e-3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--alone", type=int, default=4, help="heads that are trained alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    load = psutil.getloadavg()[0]
    config = _config(asked.epochs, asked.threads, asked.device)
    assert config.sweep is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _embed(config, folder)
        together = _timed(train_heads(config, **_where(folder / "sweep", folder)))
        heads = heads_of(config.sweep, config.seed)
        every = max(1, len(heads) // asked.alone)
        alone = [
            _timed(train(config_of(config, head), **_where(folder / f"alone-{number}", folder)))
            for number, head in enumerate(heads[::every][: asked.alone])
        ]
    print(json.dumps(_told(config, together, alone, load=load), indent=2))


def _config(epochs: int, threads: int, device: str) -> RunConfig:
    """14 drawn images of each of 518 people: 5 180 for training."""
    changes = {"threads": threads, "data.workers": 0, "data.images_per_identity": 14, "device": device}
    return with_sweep(with_values(recommended(), changes), [parse_axis(axis) for axis in AXES], epochs=epochs)


def _embed(config: RunConfig, folder: Path) -> None:
    """Fill the cache: two views of the training images, the validation and the test images."""
    first = config.stages[0].model_copy(update={"epochs": config.stages[0].cached_views})
    short = config.model_copy(update={"stages": (first,), "sweep": None})
    _timed(train(short, **_where(folder / "embed", folder)))
    few = with_sweep(short, [parse_axis("scale=8,16"), parse_axis("centre=off")])
    _timed(train_heads(few, **_where(folder / "embed-few", folder)))


def _where(folder: Path, parent: Path) -> dict[str, Any]:
    folder.mkdir()
    return {"folder": folder, "cache": parent / "cache", "controls": NoControls()}


def _timed(events: Iterator[Event]) -> dict[str, float]:
    """Seconds by the clock and of the processor: of the whole, and of the training alone."""
    start = marks = _now()
    stage = {"steps": 0.0, "images": 0.0}
    ended = start
    for event in events:
        if isinstance(event, RunPrepared):
            stage["steps"], stage["images"] = float(event.steps_total), float(event.split_images["train"])
        if isinstance(event, StageStarted):
            marks = _now()
        if isinstance(event, StageEnded):
            ended = _now()
    whole = _now()
    return {
        **stage,
        "wall_s": whole[0] - start[0],
        "cpu_s": whole[1] - start[1],
        "training_wall_s": ended[0] - marks[0],
        "training_cpu_s": ended[1] - marks[1],
    }


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _told(
    config: RunConfig, together: dict[str, float], alone: list[dict[str, float]], *, load: float
) -> dict[str, Any]:
    assert config.sweep is not None
    count = head_count(config.sweep)
    times = ("wall_s", "cpu_s", "training_wall_s", "training_cpu_s")
    one_by_one = {name: count * sum(run[name] for run in alone) / len(alone) for name in times}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{psutil.cpu_count()}-core {platform.machine().replace('_', '-')}",
        "device": config.device,
        "load_at_start": round(load, 1),
        "torch": torch.__version__,
        "threads": config.threads,
        "heads": count,
        "classes": 518,
        "embedding": config.backbone.embedding_dim,
        "embeddings": int(together["images"]),
        "epochs": config.stages[0].epochs,
        "steps": int(together["steps"]),
        "sweep": {name: round(together[name], 1) for name in times},
        "one_after_the_other": {name: round(one_by_one[name], 1) for name in times},
        "reckoned_from_heads": len(alone),
        "faster": {name: round(one_by_one[name] / together[name], 2) for name in times},
    }


if __name__ == "__main__":
    main()
