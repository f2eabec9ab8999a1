"""What whoever asks may do: change things or only look, and which folders they may name.

The command line and Python are the operator's own: they may do everything. The app asks for each visitor anew
(:func:`ask_visitor_of`), so a role is enforced where something is done, not where a button is drawn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edgeft_core.errors import AccessError

ROOTS_VARIABLE = "EDGEFT_DATA_ROOTS"


class Role(StrEnum):
    NOBODY = "nobody"  # has not logged in
    VIEW = "view"
    CONTROL = "control"


@dataclass(frozen=True)
class Visitor:
    """Whoever asks.

    Attributes:
        roots: folders below which they may name files and folders; None for everywhere.
        name: for the journal; empty where nobody logs in.
    """

    role: Role = Role.CONTROL
    roots: tuple[Path, ...] | None = None
    name: str = ""


OPERATOR = Visitor()

_asked: list[Callable[[], Visitor]] = []


def ask_visitor_of(ask: Callable[[], Visitor]) -> None:
    """From now on ``ask`` says who asks, in whatever thread it is called."""
    _asked[:] = [ask]


def visitor() -> Visitor:
    """Whoever asks just now; the operator in a process that has no visitors."""
    return _asked[0]() if _asked else OPERATOR


def require_control() -> None:
    """Raises AccessError for a visitor who may not change anything."""
    if visitor().role is not Role.CONTROL:
        raise AccessError("You may look at everything here, but not change it: ask the operator for control.")


def require_path(path: Path | str) -> Path:
    """The path, links resolved, if the visitor may name it.

    Raises:
        AccessError: it lies outside the folders that the operator named.
    """
    resolved = Path(path).expanduser().resolve()
    roots = visitor().roots
    if roots is None or any(resolved.is_relative_to(root) for root in roots):
        return resolved
    named = ", ".join(str(root) for root in roots)
    raise AccessError(
        f"{path} lies outside the folders that may be used from the browser ({named}); the operator can add its folder "
        f"to the environment variable {ROOTS_VARIABLE}, or use the command line."
    )


def roots_are_named() -> bool:
    """Whether the operator named any folder."""
    return bool(os.environ.get(ROOTS_VARIABLE, "").strip())


def data_roots(always: Iterable[Path]) -> tuple[Path, ...]:
    """The folders that the operator named, else the user's home and the working folder; and ``always``."""
    named = os.environ.get(ROOTS_VARIABLE, "")
    chosen = [Path(part) for part in named.split(os.pathsep) if part.strip()] or [Path.home(), Path.cwd()]
    return tuple(dict.fromkeys(path.expanduser().resolve() for path in (*chosen, *always)))
