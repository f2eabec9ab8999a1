"""Setting out from another run's checkpoint, under settings of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import flatten
from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.checkpoints import restore_network
from edgeft_core.engine.crew import Crew
from edgeft_core.engine.kept import path_of
from edgeft_core.engine.position import Position
from edgeft_core.engine.random_numbers import restore_random
from edgeft_core.engine.session import Session
from edgeft_core.engine.validation import Standing
from edgeft_core.errors import WeightsError
from edgeft_core.events import Event, Notice
from edgeft_core.settings import START_CHECKPOINT


def is_fork(folder: Path) -> bool:
    """Whether a run was given a checkpoint to set out from."""
    return (folder / START_CHECKPOINT).exists()


def set_out(session: Session, crew: Crew) -> Iterator[Event]:
    """Put the given checkpoint in force; the run's own settings rule, and its steps continue the count.

    Under the settings that the checkpoint was written under, everything is taken over, so that the run continues as
    the other one did. Under others it keeps records of its own: window of predictions and best validation begin anew.

    Raises:
        WeightsError: the checkpoint is damaged, or belongs to another network or other classes.
    """
    content = checkpoint_file.read(session.folder / START_CHECKPOINT)
    _same_classes(session, content)
    restore_network(session, content)
    position = _position(session, content)
    leg = content["leg"] if _optimiser_fits(session, content, position) else {}
    session.position = position
    session.live.load(session.config, _ramps_under_way(session, content))
    crew.load({**content, "leg": leg, "collaborators": _taken_over(session, content)})
    restore_random(content["random"], session.device)
    yield Notice("info", position.step, f"The run sets out after step {position.step} of its parent.")
    if content["leg"] and not leg:
        yield Notice("info", position.step, "The optimiser begins anew: other parts are trained than before.")


def _same_classes(session: Session, content: dict[str, Any]) -> None:
    before, now = tuple(content["class_names"]), session.dataset.class_names
    if before != now:
        different = len(set(before) ^ set(now))
        raise WeightsError(
            f"The checkpoint was trained on {len(before)} classes and the data has {len(now)} ({different} names are "
            "in one of them only): its head fits no others. Fork with the same people, or start a new run."
        )


def _position(session: Session, content: dict[str, Any]) -> Position:
    """Where to go on: the same share of the epoch, and inside the stage before where that was made longer."""
    position = Position(**content["position"])
    before, now = _settings(content), session.config
    if before.data.batch_size != now.data.batch_size:
        position.batch = position.batch * before.data.batch_size // now.data.batch_size
    ended = position.stage - 1
    if ended >= 0 and position.epoch == position.batch == 0:
        done = before.stages[ended].epochs
        if now.stages[ended].epochs > done:
            return Position(stage=ended, epoch=done, step=position.step)
    return position


def _optimiser_fits(session: Session, content: dict[str, Any], position: Position) -> bool:
    stage = int(content["position"]["stage"])
    if position.stage != stage or stage >= len(session.config.stages):
        return False
    before, now = _settings(content).stages[stage], session.config.stages[stage]
    return before.train_backbone == now.train_backbone


def _taken_over(session: Session, content: dict[str, Any]) -> dict[str, Any]:
    """State of the collaborators by name; those that begin anew are left out."""
    if _settings(content) != session.config:
        return {}
    states = dict(content["collaborators"])
    if not path_of(session.folder, "best").exists():
        states["Validator"] = Standing().state()
    return states


def _ramps_under_way(session: Session, content: dict[str, Any]) -> dict[str, Any]:
    """Settings that were on their way, where the fork begins with the value that they had reached."""
    reached, now = flatten(_settings(content)), flatten(session.config)
    ramps: dict[str, Any] = content.get("ramps", {})  # older checkpoints know none
    return {key: ramp for key, ramp in ramps.items() if now.get(key) == reached[key]}


def _settings(content: dict[str, Any]) -> RunConfig:
    """The settings in force when the checkpoint was written."""
    return RunConfig.model_validate_json(content["live_config"])
