"""Progress of work done in this process, on standard error."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, TaskID


class Working:
    """A bar for each kind of work that is told about."""

    def __init__(self) -> None:
        self._bars = Progress(console=Console(file=sys.stderr))
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` are ready."""
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)
