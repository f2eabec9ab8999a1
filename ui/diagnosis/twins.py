"""Both twins of a proof in three small charts: largest class, classes in use, accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from edgeft_core.diagnostics.chance import max_share_chance, top_k_band, top_k_chance
from edgeft_core.diagnostics.thresholds import TOP5_FROM_CLASSES
from edgeft_core.figures.chart import Reference, draw
from edgeft_core.figures.twins import twin_chart
from edgeft_core.proof.record import Proof, Twin
from ui.live_chart import live_chart

_HEIGHT_PX: Final = 150


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        key: a signal of the twins' series.
    """

    key: str
    title: str
    percent: bool
    references: tuple[Reference, ...]


def twin_charts(run_id: str, proof: Proof) -> None:
    """Side by side, with one key for all: a legend each would take half of so small a chart."""
    st.caption("Dotted: without the fix. Solid: with the fix. Steps since the start of both.")
    for column, panel in zip(st.columns(3, gap="small"), panels(proof), strict=True):
        with column:
            st.caption(f"**{panel.title}**")
            chart = twin_chart(
                _line(proof.without, panel.key),
                _line(proof.with_fix, panel.key),
                percent=panel.percent,
                references=panel.references,
            )
            live_chart(
                draw(chart),
                key=f"proof.{run_id}.{proof.cause}.{panel.key}.{proof.at}",
                height=_HEIGHT_PX,
                group=None,
                label=f"{panel.title}, without and with the fix",
                clicks=False,
            )


def panels(proof: Proof) -> tuple[Panel, Panel, Panel]:
    """The charts, each with what to compare with."""
    classes = max(2, proof.n_classes)
    images = max(1, int(proof.with_fix.measured.get("window_images") or 1))
    k = 5 if classes >= TOP5_FROM_CLASSES else 1
    low, high = top_k_band(k, classes, images)
    explained = max(max_share_chance(classes, images), proof.with_fix.measured.get("label_max_share", 0.0))
    return (
        Panel("max_class_share", "Largest class", True, (Reference(100 * explained, "labels and guessing"),)),
        Panel("effective_classes", "Classes in use", False, (Reference(float(classes), "all classes"),)),
        Panel(
            f"top{k}",
            f"Top-{k} of training images",
            True,
            (Reference(100 * top_k_chance(k, classes), "guessing", (100 * low, 100 * high)),),
        ),
    )


def _line(twin: Twin, key: str) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    values = twin.series.get(key)
    return (twin.steps_P, values) if values is not None else ((), ())
