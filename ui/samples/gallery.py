"""The grid of faces: framed by right and wrong, chosen by click or arrow keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from edgeft_core.figures.theme import Meaning, colour, format_percent
from ui.theme import is_dark

_KEY: Final = "samples.gallery"
_CHOSEN: Final = "samples.chosen"
_mount = st.components.v2.component(
    "edgeft_gallery", js=Path(__file__).with_name("gallery.js").read_text(encoding="utf-8")
)


def gallery(table: pd.DataFrame, pictures: Mapping[str, str]) -> str:
    """Draw the grid and answer which item is chosen; the first one until the user chooses.

    Args:
        table: rows of ``queries.samples``, at least one.
        pictures: item to ``data:`` address; an item without one gets an empty frame.
    """
    dark = is_dark()
    items = list(table["item"])
    event = st.session_state.get(_KEY) or {}
    before = event.get("chosen") or st.session_state.get(_CHOSEN)
    chosen = str(before) if before in items else str(items[0])
    st.session_state[_CHOSEN] = chosen
    _mount(
        key=_KEY,
        data={
            "faces": [_face(row, pictures) for row in table.to_dict("records")],
            "chosen": chosen,
            "colours": {
                "right": colour(Meaning.SAME_PERSON, dark),
                "wrong": colour(Meaning.DIFFERENT_PEOPLE, dark),
            },
        },
        on_chosen_change=_nothing,
    )
    return chosen


def _face(row: Mapping[Any, Any], pictures: Mapping[str, str]) -> dict[str, Any]:
    return {
        "item": row["item"],
        "src": pictures.get(row["item"], ""),
        "true": row["true"],
        "predicted": row["predicted"],
        "prob": format_percent(row["prob"]),
        "right": bool(row["right"]),
    }


def _nothing() -> None:
    """Streamlit reports a trigger only where it has a callback."""
