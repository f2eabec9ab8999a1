"""Taking a run back to one of its checkpoints: which one, and what becomes of the best one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.kept import numbered, path_of
from edgeft_core.engine.newest import step_of
from edgeft_core.engine.session import Session
from edgeft_core.engine.validation import Standing
from edgeft_core.errors import RequestError, WeightsError
from edgeft_core.events import CheckpointKind, CheckpointSaved, CheckpointsDropped, Event, Notice

_SINGLE: tuple[CheckpointKind, ...] = ("last", "best", "first")


def state_of(session: Session, step: int) -> dict[str, Any]:
    """The run's own state after ``step``, before any command that came between it and the next step.

    Raises:
        RequestError: there is none, or it is not before the step that the run is at; says which there are.
        WeightsError: all that hold it are damaged.
    """
    now = session.position.step
    paths = _holding(session.folder)
    if step not in paths or step > now:
        steps = ", ".join(str(one) for one in sorted(paths) if one <= now) or "none yet"
        raise RequestError(
            f"There is no checkpoint of step {step} to go back to; there are some of: {steps}."
        )
    found, problem = [], WeightsError(f"There is no checkpoint of step {step}.")
    for path in paths[step]:
        try:
            found.append(checkpoint_file.read(path))
        except WeightsError as error:
            problem = error
    if not found:
        raise problem
    return min(found, key=_latest_command)


def _latest_command(content: dict[str, Any]) -> int:
    """The latest command in force in a checkpoint: one that was asked for after a change holds the change."""
    return int(content["collaborators"].get("ControlDesk", {}).get("latest", 0))


def _holding(folder: Path) -> dict[int, list[Path]]:
    """The files that hold each step's state."""
    found: dict[int, list[Path]] = {}
    for one in numbered(folder):
        found.setdefault(one.step, []).append(one.path)
    for kind in _SINGLE:
        path = path_of(folder, kind)
        if (step := _step_in(path)) is not None:
            found.setdefault(step, []).append(path)
    return found


def _step_in(path: Path) -> int | None:
    if not path.exists():
        return None
    try:
        return step_of(checkpoint_file.read(path))
    except WeightsError:
        return None


def forget_later(session: Session, standing: Standing) -> Iterator[Event]:
    """Make ``best`` the best up to where the run was taken back to."""
    best = path_of(session.folder, "best")
    step = _step_in(best)
    if step is None or step <= session.position.step:
        return
    same = next((one.path for one in numbered(session.folder) if one.step == standing.best_step), None)
    place = best.relative_to(session.folder).as_posix()
    if same is not None:
        saved = checkpoint_file.write(best, same.read_bytes())
        yield CheckpointSaved(standing.best_step, "best", place, saved.sha256, saved.size_bytes, {})
        return
    best.unlink(missing_ok=True)
    standing.best = []
    yield CheckpointsDropped(session.position.step, (place,))
    text = "The best weights of before are kept no more: the best begins anew with the next validation."
    yield Notice("info", session.position.step, text)
