"""The runs that the chosen one was made from, and that were made from it: named, and drawn together."""

from __future__ import annotations

from typing import Final

import pandas as pd
import streamlit as st

from edgeft_core import queries
from edgeft_core.figures import theme
from ui.messages import escape
from ui.runs.comparison import MOST_COMPARED, comparison

_NAMED: Final = 3


def family(table: pd.DataFrame, run_id: str) -> None:
    """Nothing for a run without relatives.

    Args:
        table: of ``queries.in_families``.
    """
    kin = queries.relatives(table, run_id)
    if not (kin.parent or kin.children):
        return
    names = dict(zip(table["id"], table["name"], strict=True))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(words(kin, names), width="content")
        together = st.toggle(
            "Draw them together", key=f"runs.family.{run_id}", help="The parent, this run and its newest children."
        )
    if together:
        newest = kin.children[-(MOST_COMPARED - 1 - bool(kin.parent)) :]
        comparison(*filter(None, (kin.parent, run_id, *newest)))


def words(kin: queries.Relatives, names: dict[str, str]) -> str:
    """``"Made from **a**; **b**, **c** and 2 more were made from it"`` as Streamlit markdown."""
    parts = []
    if kin.parent:
        parts.append(f"Made from **{escape(names[kin.parent])}**")
    if kin.children:
        told = [f"**{escape(names[one])}**" for one in kin.children[:_NAMED]]
        if more := len(kin.children) - len(told):
            told.append(f"{theme.format_count(more)} more")
        listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
        parts.append(f"{listed} {'was' if len(kin.children) == 1 else 'were'} made from it")
    return f":material/account_tree: {'; '.join(parts)}"
