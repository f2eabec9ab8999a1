"""Another run's curves behind one's own, faint."""

from __future__ import annotations

from typing import Final

from edgeft_core.figures.spec import Spec

_OPACITY: Final = 0.3
_KEPT: Final = frozenset({"x", "y", "xaxis", "yaxis", "line", "mode"})


def overlaid(spec: Spec, behind: Spec, name: str) -> Spec:
    """``spec`` with the lines of ``behind`` under its own, named in the hover.

    Args:
        behind: a figure of the same kind; bands, markers and references are left out.
    """
    faint = [
        {key: value for key, value in trace.items() if key in _KEPT}
        | {
            "type": "scatter",
            "name": f"{name}: {trace.get('name', '')}",
            "opacity": _OPACITY,
            "showlegend": False,
            "hoverinfo": "name+y",
        }
        for trace in behind["data"]
        if "lines" in str(trace.get("mode", "")) and not trace.get("fill")
    ]
    return {**spec, "data": [*spec["data"], *faint]}
