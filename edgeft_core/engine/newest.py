"""The newest checkpoint of a run that is whole, and of the run that the journal tells of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.kept import numbered, path_of
from edgeft_core.errors import WeightsError
from edgeft_core.events import Past
from edgeft_core.settings import START_CHECKPOINT


def last_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state to go on from, None where the run never wrote one; damaged files are passed over.

    Raises:
        WeightsError: there are some, and all of them are damaged.
    """
    return Search(folder).newest()


def step_of(content: dict[str, Any]) -> int:
    """Steps done when a checkpoint was written."""
    return int(content["position"]["step"])


@dataclass
class Search:
    """A look through a run's checkpoints, newest first.

    Attributes:
        past: what the journal tells.
        damaged: a sentence for each file that was passed over because it is.
        foreign: files that were passed over because they are of what is no part of the run.
    """

    folder: Path
    past: Past = field(default_factory=Past)
    damaged: list[str] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)

    def newest(self) -> dict[str, Any] | None:
        """The state to go on from, None where there is none.

        Raises:
            WeightsError: there are some, and all that are the run's are damaged.
        """
        found = self._read(path_of(self.folder, "last")) or self._earlier()
        for one in reversed(numbered(self.folder)):
            if found is not None and one.step <= step_of(found):
                break
            if (content := self._read(one.path)) is not None:
                return content
        if found is None and self.damaged:
            raise WeightsError(self.damaged[0])
        return found

    def _earlier(self) -> dict[str, Any] | None:
        """The best or the first state, whichever is newer; a fork's best may be from before it set out."""
        first = self._read(path_of(self.folder, "first"))
        if first is None and (self.folder / START_CHECKPOINT).exists():
            return None
        best = self._read(path_of(self.folder, "best"))
        return max(filter(None, (first, best)), key=step_of, default=None)

    def _read(self, path: Path) -> dict[str, Any] | None:
        if not path.exists():
            return None
        try:
            content = checkpoint_file.read(path)
        except WeightsError as error:
            self.damaged.append(str(error))
            return None
        if _agrees(content, self.past):
            return content
        self.foreign.append(path)
        return None


def _agrees(content: dict[str, Any], past: Past) -> bool:
    """Whether a checkpoint is a state of the run that the journal tells of.

    It is not where it obeyed what was refused afterwards, because its worker died before it could say so, nor where
    the run was taken back from it, or from a change that it holds.
    """
    desk = content["collaborators"].get("ControlDesk", {})
    answers = json.loads(desk.get("answers", "[]"))
    if past.refused.intersection(one["command_id"] for one in answers if one["outcome"] == "applied"):
        return False
    latest, to_come = int(desk.get("latest", 0)), frozenset(desk.get("to_come", ()))
    return not any(
        step_of(content) > one.to_step or any(number <= latest for number in one.commands - to_come)
        for one in past.rewinds
        if one.command_id > latest
    )
