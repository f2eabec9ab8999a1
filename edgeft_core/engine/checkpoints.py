"""Checkpoints: everything that a run needs to go on as if nothing had happened."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.config_checkpoints import CheckpointsConfig
from edgeft_core.config_keys import flatten, with_values
from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.kept import Kept, numbered, path_of, too_many
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.position import Position
from edgeft_core.engine.random_numbers import random_state
from edgeft_core.engine.session import Session
from edgeft_core.engine.step import StepTaken
from edgeft_core.engine.validation import Standing
from edgeft_core.errors import WeightsError
from edgeft_core.events import (
    CheckpointAhead,
    CheckpointKind,
    CheckpointReady,
    CheckpointSaved,
    CheckpointsDropped,
    Event,
    Notice,
)
from edgeft_core.models import build_backbone

_TIGHT_BYTES = 4 * 2**20
"""So much space beside a checkpoint is enough for what is recorded meanwhile."""


class Checkpointer(Collaborator):
    """Saves ``last`` after every epoch and when the run is stopped, ``best`` after a better validation, ``first``
    before the first step, a ring of the latest steps, and marks at what happens to the run.

    While no stage has trained the backbone, a checkpoint names its weights instead of holding them. A disk that
    refuses costs the checkpoint, not the run.

    Args:
        settle: tells what the steps so far have to tell, so that the collaborators' state is whole.
    """

    def __init__(
        self,
        settings: CheckpointsConfig,
        standing: Standing,
        stateful: Sequence[Collaborator],
        settle: Callable[[Leg], Iterator[Event]],
    ) -> None:
        self._settings = settings
        self._standing = standing
        self._stateful = stateful
        self._settle = settle

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:  # noqa: ARG002
        every, step = self._settings.every_steps, leg.session.position.step
        return self.save(leg, ["ring"]) if every and step % every == 0 else ()

    def after_epoch(self, leg: Leg) -> Iterator[Event]:
        kinds: list[CheckpointKind] = ["last", "best"] if self._standing.improved else ["last"]
        return self.save(leg, kinds)

    def mark(self, leg: Leg, kind: CheckpointKind) -> Iterator[Event]:
        """Save the state as it is now, unless marks are off or this step's state is kept already."""
        step = leg.session.position.step
        if self._settings.keep_marked and step not in {one.step for one in numbered(leg.session.folder)}:
            yield from self.save(leg, [kind])

    def save(self, leg: Leg, kinds: Sequence[CheckpointKind]) -> Iterator[Event]:
        """Write one state under one or more names."""
        yield from self._settle(leg)
        session = leg.session
        step = session.position.step
        yield CheckpointAhead(step)
        try:
            payload = checkpoint_file.serialise(self._content(leg))
            session.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(session.folder).free < len(payload) + _TIGHT_BYTES:
                yield CheckpointReady(step)  # who waits for space must not wait for what a file beside takes
            for kind in kinds:
                with checkpoint_file.written_beside(path_of(session.folder, kind, step), payload) as beside:
                    yield CheckpointReady(step)
                    saved = beside.rename()
                yield CheckpointSaved(
                    step=step,
                    kind=kind,
                    path=saved.path.relative_to(session.folder).as_posix(),
                    sha256=saved.sha256,
                    size_bytes=saved.size_bytes,
                    scalars=dict(self._standing.scalars),
                )
            yield from drop(session, too_many(session.folder, self._settings))
        except OSError as error:
            reason = error.strerror or str(error)
            yield Notice(
                "warning",
                step,
                f"No checkpoint could be written to {session.folder / 'checkpoints'} ({reason}); training goes on. "
                "Free some space: the next one comes after the epoch.",
            )

    def _content(self, leg: Leg) -> dict[str, Any]:
        session = leg.session
        position = session.position
        if leg.over:
            position = Position(stage=leg.index + 1, step=position.step)
        return {
            "position": position.state(),
            "config": session.config.model_dump_json(),
            "live_config": session.live.config.model_dump_json(),
            "ramps": session.live.state(),
            "class_names": list(session.dataset.class_names),
            "backbone": session.embedder.backbone.state_dict() if session.backbone_changed else None,
            "head": session.head.state_dict(),
            "leg": {} if leg.over else leg.state(),
            "collaborators": {type(one).__name__: one.state() for one in self._stateful},
            "random": random_state(session.device),
        }


def restore_network(session: Session, content: dict[str, Any]) -> None:
    """Put a checkpoint's weights into the session's backbone and head.

    A checkpoint that holds no backbone was written before any stage trained it: the config's weights are meant.

    Raises:
        WeightsError: they are those of another network.
    """
    try:
        if content["backbone"] is not None:
            session.embedder.backbone.load_state_dict(content["backbone"])
        elif session.backbone_changed:
            session.embedder.backbone.load_state_dict(_untrained_backbone(session.config))
        session.head.load_state_dict(content["head"])
    except RuntimeError as error:
        raise WeightsError(
            f"The checkpoint belongs to another network ({error}); use the backbone and classes it was written with."
        ) from error
    session.backbone_changed = content["backbone"] is not None


def _untrained_backbone(config: RunConfig) -> dict[str, Any]:
    """The backbone's state as the run began with it."""
    return build_backbone(
        config.backbone, image_px=config.data.image_px, seed=config.seed
    ).module.state_dict()


def restore_session(session: Session, content: dict[str, Any]) -> None:
    """Everything but what belongs to the stage in progress and to the collaborators."""
    restore_network(session, content)
    session.position = Position(**content["position"])
    session.live.load(settings_in_force(session.config, content), ramps_under_way(session.config, content))
    session.apply_head_settings()


def settings_in_force(asked: RunConfig, content: dict[str, Any]) -> RunConfig:
    """The checkpoint's live settings, overridden by what ``asked`` changes of the config that it was written under.

    A run that goes on keeps its live changes; one that goes on from another's checkpoint under other settings gets
    those.
    """
    written = flatten(RunConfig.model_validate_json(content["config"]))
    live = flatten(RunConfig.model_validate_json(content["live_config"]))
    wanted = flatten(asked)
    moved = {
        key: value
        for key, value in live.items()
        if key in wanted and value != written.get(key) == wanted[key]
    }
    return with_values(asked, moved)


def ramps_under_way(asked: RunConfig, content: dict[str, Any]) -> dict[str, Any]:
    """The checkpoint's ramps, but for settings that ``asked`` changes."""
    written, wanted = flatten(RunConfig.model_validate_json(content["config"])), flatten(asked)
    ramps: dict[str, Any] = content.get("ramps", {})  # older checkpoints know none
    return {key: ramp for key, ramp in ramps.items() if wanted.get(key) == written[key]}


def drop(session: Session, kept: Sequence[Kept]) -> Iterator[Event]:
    """Remove checkpoints; one that cannot be removed (open elsewhere, on Windows) stays until the next time."""
    gone = []
    for one in kept:
        with suppress(OSError):
            one.path.unlink(missing_ok=True)
            gone.append(one.path.relative_to(session.folder).as_posix())
    if gone:
        yield CheckpointsDropped(session.position.step, tuple(gone))
