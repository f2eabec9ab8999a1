"""The newest checkpoint of a run that is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.kept import numbered, path_of
from edgeft_core.errors import WeightsError
from edgeft_core.settings import START_CHECKPOINT


def last_checkpoint(folder: Path, told: list[str] | None = None) -> dict[str, Any] | None:
    """The state to go on from, None where the run never wrote one; damaged files are passed over.

    Args:
        told: gets a sentence for each damaged file.

    Raises:
        WeightsError: there are some, and all of them are damaged.
    """
    problems: list[str] = [] if told is None else told
    found = _whole(path_of(folder, "last"), problems) or _earlier(folder, problems)
    for one in reversed(numbered(folder)):
        if found is not None and one.step <= step_of(found):
            break
        if (content := _whole(one.path, problems)) is not None:
            return content
    if found is None and problems:
        raise WeightsError(problems[0])
    return found


def step_of(content: dict[str, Any]) -> int:
    """Steps done when a checkpoint was written."""
    return int(content["position"]["step"])


def _earlier(folder: Path, problems: list[str]) -> dict[str, Any] | None:
    """The best or the first state, whichever is newer; a fork's best may be from before it set out."""
    first = _whole(path_of(folder, "first"), problems)
    if first is None and (folder / START_CHECKPOINT).exists():
        return None
    best = _whole(path_of(folder, "best"), problems)
    return max(filter(None, (first, best)), key=step_of, default=None)


def _whole(path: Path, problems: list[str]) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        return checkpoint_file.read(path)
    except WeightsError as error:
        problems.append(str(error))
        return None
