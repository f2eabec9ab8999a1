"""Which checkpoints lie in a run's folder: their names, their order, and how many of each kind are kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeft_core.config_checkpoints import CheckpointsConfig
from edgeft_core.events import CheckpointKind

NUMBERED: frozenset[CheckpointKind] = frozenset({"manual", "ring", "verdict", "command"})
"""Kinds of which there is one per step; of the others there is one."""

MARKED: frozenset[CheckpointKind] = frozenset({"verdict", "command"})

_NAME = re.compile(r"(manual|ring|verdict|command)-(\d+)\.pt")


@dataclass(frozen=True)
class Kept:
    """A numbered checkpoint on disk."""

    step: int
    kind: str
    path: Path


def path_of(folder: Path, kind: CheckpointKind, step: int = 0) -> Path:
    """Where a run keeps a checkpoint."""
    name = f"{kind}-{step:08d}" if kind in NUMBERED else kind
    return folder / "checkpoints" / f"{name}.pt"


def numbered(folder: Path, kinds: Collection[str] = NUMBERED) -> list[Kept]:
    """The numbered checkpoints of some kinds, oldest step first."""
    found = [(_NAME.fullmatch(path.name), path) for path in (folder / "checkpoints").glob("*.pt")]
    kept = [Kept(int(match[2]), match[1], path) for match, path in found if match and match[1] in kinds]
    return sorted(kept, key=lambda one: (one.step, one.kind))


def too_many(folder: Path, settings: CheckpointsConfig) -> Sequence[Kept]:
    """Those that have to make room: the oldest of the ring and of the marked ones."""
    ring, marked = numbered(folder, {"ring"}), numbered(folder, MARKED)
    return [*ring[: -settings.keep], *(marked[: -settings.keep_marked] if settings.keep_marked else marked)]
