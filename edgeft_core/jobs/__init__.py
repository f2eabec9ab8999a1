"""Jobs: states and transitions, launching detached workers, the worker itself, liveness.

Everything here but the worker loads without torch. The store imports ``jobs.states``, so this package must not
import the store in turn: ``launch`` is looked up when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeft_core.jobs.launching import launch

__all__ = ["launch"]


def __getattr__(name: str) -> Any:
    if name == "launch":
        from edgeft_core.jobs.launching import launch  # noqa: PLC0415

        return launch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
