"""A run small enough for a test: drawn people at 32 px, two stages, a second or two on one core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from edgeft_core.config import BackboneConfig, DataConfig, HeadConfig, MonitorConfig, RunConfig, StageConfig
from edgeft_core.config_keys import with_values
from edgeft_core.engine import Controls, NoControls, train
from edgeft_core.events import BatchDone, ControlRequest, Event, Notice, Progress

E = TypeVar("E")
MEASURED_ON_THE_CLOCK = {"images_per_s", "device_memory_mib"}


def tiny(**changes: Any) -> RunConfig:
    """12 people x 6 images: 48 train, 12 validate, 12 test; 6 steps per epoch, 2 + 2 epochs. ``__`` is a dot."""
    config = RunConfig(
        preset="smoke",
        threads=1,
        device="cpu",
        data=DataConfig(
            identities=12, images_per_identity=6, image_px=32, low_res_px=16, batch_size=8, workers=0
        ),
        backbone=BackboneConfig(weights="none", embedding_dim=32),
        head=HeadConfig(scale=16.0, margin_rad=0.1),
        stages=(
            StageConfig(name="head", epochs=2, head_lr=1e-2, schedule="cosine", warmup_steps=3),
            StageConfig(
                name="fine-tune",
                epochs=2,
                train_backbone=True,
                head_lr=1e-3,
                backbone_lr=1e-4,
                contrastive_weight=0.3,
                schedule="cosine",
            ),
        ),
        monitor=MonitorConfig(window_images=40, heavy_every_steps=4, sample_images=8),
    )
    return with_values(config, {key.replace("__", "."): value for key, value in changes.items()})


@dataclass
class Script:
    """Controls that hand out requests before given steps (1-based)."""

    at: dict[int, Sequence[ControlRequest]]
    while_paused: list[Sequence[ControlRequest]] = field(default_factory=list)
    _waited: bool = False

    def poll(self, next_step: int) -> Sequence[ControlRequest]:
        if self._waited:
            self._waited = False
            return self.while_paused.pop(0) if self.while_paused else ()
        return self.at.pop(next_step, ())

    def wait(self, timeout_s: float) -> None:
        assert timeout_s > 0
        self._waited = True


def set_at(step: int, **changes: Any) -> Script:
    """One ``set`` command before one step."""
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return Script({step: [ControlRequest(1, "set", named)]})


def stop_at(step: int) -> Script:
    """Stop before a step."""
    return Script({step: [ControlRequest(99, "stop")]})


def events_of(
    config: RunConfig,
    home: Path,
    *,
    controls: Controls | None = None,
    resume: bool = False,
    name: str = "run",
) -> list[Event]:
    """Everything that one run tells."""
    return list(started(config, home, controls=controls, resume=resume, name=name))


def started(
    config: RunConfig,
    home: Path,
    *,
    controls: Controls | None = None,
    resume: bool = False,
    name: str = "run",
) -> Iterator[Event]:
    controls = controls or NoControls()
    return train(config, folder=home / name, cache=home / "cache", controls=controls, resume=resume)


def of(kind: type[E], events: Iterable[Event]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def story(events: Iterable[Event]) -> list[object]:
    """Events as comparable values, without what depends on the clock or on what was cached before."""
    told = (event for event in events if not isinstance(event, Progress | Notice))
    return [_plain(event) for event in told]


def _plain(value: object) -> object:
    if is_dataclass(value):
        return (type(value).__name__, *(_plain(getattr(value, one.name)) for one in fields(value)))
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key not in MEASURED_ON_THE_CLOCK}
    return value


def by_step(events: Iterable[Event]) -> dict[int, BatchDone]:
    return {event.step: event for event in of(BatchDone, events)}
