"""Words on figures: plotly reads a little HTML, so names must be shown as they are."""

from __future__ import annotations

from typing import Final

from edgeft_core.figures.axis import HorizontalAxis

_WHERE: Final = {"step": "step %{x:,.0f}", "epoch": "epoch %{x:.2f}", "time": "%{x:.1f} min"}


def plain_text(name: str) -> str:
    """``name`` as plotly shows it literally: ``<b>`` stays four characters."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def wrap(text: str, width: int = 46) -> str:
    """Break a sentence into lines that a hover label can hold."""
    lines, current = [], ""
    for word in text.split():
        if current and len(current) + 1 + len(word) > width:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}".strip()
    return "<br>".join([*lines, current])


def where(axis: HorizontalAxis) -> str:
    """Plotly's template of the position."""
    return _WHERE[axis.kind]


def hover(name: str, text: str, unit: str, axis: HorizontalAxis) -> str:
    """Plotly's hover template: value with unit, position, and one sentence of meaning."""
    value = "%{y:.1f} %" if unit == " %" else "%{y:.3~g}"
    sentence = f"<br><i>{wrap(text)}</i>" if text else ""
    return f"<b>{plain_text(name)} {value}</b> at {where(axis)}{sentence}<extra></extra>"
