"""A plotly figure as plain data.

Plotly checks every property of a ``go.Figure`` against its schema. That took 150 ms for the nine charts of the live
page, every second; plain data takes 5 ms. Tests turn every kind of spec into a ``go.Figure``, which checks it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import plotly.graph_objects as go

from edgeft_core.figures import theme

Spec = dict[str, Any]
"""``{"data": [trace, ...], "layout": {...}}`` in the light palette (the browser recolours it for the dark theme)."""

Shape = dict[str, Any]
Annotation = dict[str, Any]


@cache
def plain_template() -> dict[str, Any]:
    """The theme's template as plain data; shared, so never changed."""
    template: dict[str, Any] = theme.template().to_plotly_json()
    return template


def checked(spec: Spec) -> go.Figure:
    """The figure as plotly's own object, for notebooks and reports.

    Raises:
        ValueError: a property that plotly does not know, or a value that it does not accept.
    """
    return go.Figure(spec)
