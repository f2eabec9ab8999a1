"""One sample large: the face and its twin, the five most probable classes, and pictures of whom they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import streamlit as st

from edgeft_core.figures.bars import draw_top_classes, top_classes
from edgeft_core.figures.theme import format_percent
from ui.live_chart import live_chart
from ui.messages import escape
from ui.samples.pictures import Pictures

_FACE_PX: Final = 150
_EXAMPLE_PX: Final = 62


def large(row: Mapping[Any, Any], pictures: Pictures | None) -> None:
    """Draw one row of ``queries.samples``."""
    st.markdown(title(row))
    if pictures is not None:
        _twins(row["item"], pictures)
    data = top_classes(row["top_labels"], row["top_names"], row["top_probs"], row["label"])
    live_chart(
        draw_top_classes(data), key="samples.top", height=150, group=None, label="The most probable classes"
    )
    if pictures is not None:
        _identities(row, pictures)
    st.caption(escape(str(row["item"])))


def title(row: Mapping[Any, Any]) -> str:
    """Streamlit markdown: who it is, who was predicted, how sure."""
    true, predicted = escape(row["true"]), escape(row["predicted"])
    if row["right"]:
        return f"\u2713 **{true}**, recognised with {format_percent(row['prob'])}"
    rank = row["true_rank"]
    second = "the truth is not in the top 5" if pd.isna(rank) else f"the truth is number {int(rank)}"
    return f"\u2715 **{true}** was taken for **{predicted}** with {format_percent(row['prob'])}; {second}"


def _twins(item: str, pictures: Pictures) -> None:
    enlarged, original = pictures.pair(item)
    px = pictures.config.data.low_res_px
    seen, other = (f"enlarged from {px} px", "original")
    if pictures.enlarged:
        seen += " (trained on)"
    else:
        other += " (trained on)"
    with st.container(horizontal=True, gap="small"):
        st.image(enlarged, caption=seen, width=_FACE_PX, alt="The face, enlarged from low resolution")
        st.image(original, caption=other, width=_FACE_PX, alt="The original face")


def _identities(row: Mapping[Any, Any], pictures: Pictures) -> None:
    """Training images of the true identity beside those of the predicted ones."""
    _strip(row["true"], "the truth", pictures.examples(row["true"], besides=row["item"]))
    for name, prob in zip(row["top_names"], row["top_probs"], strict=True):
        if name != row["true"]:
            _strip(name, format_percent(prob), pictures.examples(name))


def _strip(name: str, words: str, addresses: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{escape(name)}  \n:gray[{words}]", width=130)
        for address in addresses:
            st.image(address, width=_EXAMPLE_PX, alt=f"Training image of {name}")
