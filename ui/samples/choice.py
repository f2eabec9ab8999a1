"""Which samples are shown: the set, the filters, the page."""

from __future__ import annotations

from typing import Final, Literal

import pandas as pd
import streamlit as st

from edgeft_core.events import SampleSet

PAGE_SIZE: Final = 42
_SETS: Final[dict[str, SampleSet]] = {"latest batch": "train", "validation": "validation", "test": "test"}
Which = Literal["all", "wrong", "surest wrong", "right"]
_WHICH: Final[tuple[Which, ...]] = ("all", "wrong", "surest wrong", "right")


def when_samples_come(split: SampleSet) -> str:
    """Why a set has no samples yet."""
    return {
        "train": "They come with the first step.",
        "validation": "They come with the first validation, at the end of an epoch.",
        "test": "They come with the test at the end of the run.",
    }[split]


def choose_set() -> tuple[SampleSet, str]:
    """Latest batch, validation or test."""
    name = st.segmented_control(
        "Set",
        list(_SETS),
        default="validation",
        required=True,
        key="samples.set",
        label_visibility="collapsed",
    )
    chosen = name or "validation"
    return _SETS[chosen], chosen


def choose_filters(table: pd.DataFrame) -> tuple[Which, tuple[str, ...]]:
    """Right or wrong, and true classes; the surest wrong ones come first where asked for."""
    which = st.segmented_control(
        "Which", _WHICH, default="all", required=True, key="samples.which", label_visibility="collapsed"
    )
    classes = st.multiselect(
        "True class",
        sorted(set(table["true"])),
        key="samples.classes",
        placeholder="all classes",
        label_visibility="collapsed",
        width=260,
    )
    return which or "all", tuple(classes)


def filtered(table: pd.DataFrame, which: Which, classes: tuple[str, ...]) -> pd.DataFrame:
    """Rows in the order in which they are shown."""
    kept = table[table["true"].isin(classes)] if classes else table
    if which == "right":
        kept = kept[kept["right"]]
    elif which != "all":
        kept = kept[~kept["right"]]
    if which == "surest wrong":
        kept = kept.sort_values("prob", ascending=False, kind="stable")
    return kept.reset_index(drop=True)


def page_of(table: pd.DataFrame) -> pd.DataFrame:
    """One page of the rows, with buttons to turn pages where there are several."""
    pages = max(1, -(-len(table) // PAGE_SIZE))
    if pages == 1:
        return table
    page = min(int(st.session_state.get("samples.page", 0)), pages - 1)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        _turner("chevron_left", "Previous page", page - 1, possible=page > 0)
        st.markdown(f":gray[page {page + 1} of {pages}]", width="content")
        _turner("chevron_right", "Next page", page + 1, possible=page < pages - 1)
    return table.iloc[page * PAGE_SIZE : (page + 1) * PAGE_SIZE].reset_index(drop=True)


def _turner(icon: str, words: str, page: int, *, possible: bool) -> None:
    st.button(
        "",
        icon=f":material/{icon}:",
        help=words,
        key=f"samples.{icon}",
        type="tertiary",
        disabled=not possible,
        on_click=_turn,
        args=(page,),
    )


def _turn(page: int) -> None:
    st.session_state["samples.page"] = page
