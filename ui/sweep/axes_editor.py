"""The axes of a new sweep: ready ones, or rows of setting and values."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from edgeft_core.config_sweep import SweepAxis
from edgeft_core.errors import ConfigError
from edgeft_core.labs.sweep.axes import AXES, describe, grid_values, parse_axis
from edgeft_core.labs.sweep.axis_presets import AXIS_PRESETS
from edgeft_core.labs.sweep.heads import AXES_MOST
from ui.messages import escape
from ui.sweep.reading import axis_title, axis_words

_ROWS: Final = "sweep.new.rows"
_EXAMPLES: Final = {
    "head.kind": "arcface, cosface, softmax",
    "head.centre": "off, on",
    "head.label_smoothing": "0, 0.05, 0.1, 0.2",
    "head.margin_rad": "0, 0.1, 0.2, 0.3, 0.5",
    "head.scale": "4, 8, 16, 32",
    "head.temperature": "0.5..8:5",
    "stages.0.head_lr": "1e-4..1e-2:5",
}


def axes_editor() -> list[SweepAxis] | None:
    """Draw the axes and answer them; None where one cannot be read, and a sentence below it says why."""
    name = st.pills(
        "Ready axes",
        list(AXIS_PRESETS),
        default=next(iter(AXIS_PRESETS)),
        key="sweep.new.ready",
        on_change=_forget_rows,
    )
    rows = _rows(AXIS_PRESETS.get(name or "", ()))
    read = [_row(number, row, rows) for number, row in enumerate(rows)]
    unused = [key for key in AXES if key not in {row["key"] for row in rows}]
    if (
        unused
        and len(rows) < AXES_MOST
        and st.button("Add an axis", icon=":material/add:", key="sweep.new.add")
    ):
        rows.append({"key": unused[0], "text": _EXAMPLES[unused[0]], "id": _next_id(rows)})
        st.rerun()
    axes = [axis for axis in read if axis is not None]
    return axes if len(axes) == len(rows) else None


def _forget_rows() -> None:
    st.session_state.pop(_ROWS, None)


def _rows(ready: tuple[SweepAxis, ...]) -> list[dict[str, Any]]:
    """The rows as they are in this session; those of the ready axes at first."""
    if _ROWS not in st.session_state:
        start = st.session_state.get("sweep.new.next", 0)
        st.session_state[_ROWS] = [
            {"key": axis.key, "text": axis_text(axis), "id": start + number}
            for number, axis in enumerate(ready)
        ]
        st.session_state["sweep.new.next"] = start + len(ready)
    rows: list[dict[str, Any]] = st.session_state[_ROWS]
    return rows


def _next_id(rows: list[dict[str, Any]]) -> int:
    number: int = max(st.session_state.get("sweep.new.next", 0), *(row["id"] + 1 for row in rows), 0)
    st.session_state["sweep.new.next"] = number + 1
    return number


def axis_text(axis: SweepAxis) -> str:
    """The axis' values as they would be typed."""
    return ", ".join(axis_words(axis.key, value) for value in grid_values(axis))


def _row(number: int, row: dict[str, Any], rows: list[dict[str, Any]]) -> SweepAxis | None:
    key = f"sweep.new.{row['id']}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        row["key"] = st.selectbox(
            f"Axis {number + 1}", list(AXES), index=list(AXES).index(row["key"]), format_func=axis_title,
            key=f"{key}.key", width=220,
        )  # fmt: skip
        one = describe(row["key"])
        row["text"] = st.text_input(
            "Values",
            value=row["text"],
            key=f"{key}.text.{row['key']}",
            placeholder=_EXAMPLES[row["key"]],
            help=f"{one.text} Give values with commas, or a range: 4..64:5 takes five values, lin: or log: before it "
            "says how they are spread.",
        )
        if len(rows) > 1 and st.button(
            "", icon=":material/close:", help="Remove this axis", key=f"{key}.remove", type="tertiary"
        ):
            rows.remove(row)
            st.rerun()
    try:
        return parse_axis(f"{row['key']}={row['text']}")
    except ConfigError as error:
        st.error(escape(str(error)))
        return None
