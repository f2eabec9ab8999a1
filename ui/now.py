"""What several parts of a page, and all sessions that show the same, read at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from edgeft_core import queries
from ui import state
from ui.pace import PACE
from ui.shared import Shared

T = TypeVar("T")

_KEEP_S: Final = 0.4  # the recorder writes every 0.2 s; a page looks every 0.8 s
_MOST: Final = 64
_readings: Final[Shared[object]] = Shared(most=_MOST)


def at_this_moment(read: Callable[..., T], *asked: Hashable) -> T:
    """``read(home, *asked)``, read once for everybody who asks for the same within a moment.

    A change in the catalog (a command, a state, a heartbeat) is seen at once; what is recorded, a moment later. That
    moment is half as long as the time between two looks.
    """
    home = state.home()
    question = (read, home, asked, queries.catalog_of(home).data_version())
    keep_s = _KEEP_S * PACE.factor()
    found: T = _readings.get(question, lambda: read(home, *asked), keep_s=keep_s)  # type: ignore[assignment]
    return found
