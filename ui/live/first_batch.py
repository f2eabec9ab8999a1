"""The first batch, as debug output: before training, so whatever looks wrong here no training setting has caused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from edgeft_core import queries
from edgeft_core.figures import theme
from edgeft_core.settings import Home


def first_batch_of(home: Home, run_id: str) -> None:
    """Embedding and logit statistics, and ten predictions beside ten labels."""
    with st.expander("First batch, before any training"), queries.metrics_of(home, run_id) as reader:
        facts = reader.facts()
        batch = facts.get("first_batch")
        if not batch:
            st.caption("Waits for the first batch.")
            return
        left, right = st.columns([1, 2])
        left.dataframe(statistics(batch), hide_index=True)
        predicted, true = list(batch["predicted"]), list(batch["true"])
        left.caption(sentence(predicted))
        right.dataframe(predictions(predicted, true, facts.get("class_names", ())), hide_index=True)


def statistics(batch: Mapping[str, Any]) -> list[dict[str, str]]:
    """Mean and standard deviation of embeddings and logits."""
    return [
        {
            "": name,
            "mean": theme.format_number(float(batch[f"{key}_mean"])),
            "std": theme.format_number(float(batch[f"{key}_std"])),
        }
        for key, name in (("embedding", "embeddings"), ("logit", "logits"))
    ]


def predictions(
    predicted: Sequence[int], true: Sequence[int], class_names: Sequence[str]
) -> list[dict[str, str]]:
    """One row per image."""

    def name(label: int) -> str:
        return class_names[label] if 0 <= label < len(class_names) else str(label)

    return [
        {"predicted": name(guess), "true": name(label), "right": "\u2713" if guess == label else "\u2715"}
        for guess, label in zip(predicted, true, strict=True)
    ]


def sentence(predicted: Sequence[int]) -> str:
    """What the predictions say before anything was learned."""
    different = len(set(predicted))
    if different == 1 and len(predicted) > 1:
        return (
            f"All {len(predicted)} images get the same class although the head is still random: the embeddings are "
            "nearly the same for every face. No head setting can have caused that; look at input and weights."
        )
    return f"{len(predicted)} images get {different} different classes from a head that is still random."
