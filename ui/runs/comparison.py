"""Runs side by side: the same charts with all of them, what was set differently, what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any, Final

import pandas as pd
import streamlit as st

from edgeft_core import queries
from edgeft_core.config_keys import settings_of
from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.figures import theme
from edgeft_core.figures.axis import STEPS
from edgeft_core.figures.chart import LineChart, draw
from edgeft_core.figures.curves import Curve, Style, curve
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.controls import format_value
from ui.live_chart import live_chart
from ui.messages import escape

# (signal, measured now and then)
_CHARTS: Final = (
    ("max_class_share", False),
    ("top1_running", False),
    ("val_top1", True),
    ("loss", False),
    ("logit_std_samples", False),
    ("cos_different", False),
)
_METRICS: Final = (
    "best val_top1", "best val_top5", "max_class_share", "unique_classes", "val_cos_same_image", "val_cos_same",
    "val_cos_different", "loss",
)  # fmt: skip
MOST_COMPARED: Final = 6
"""There are so many colours for lines."""

_NAMED_IN_CHARTS: Final = 2  # names of more take the room of their lines: letters stand for them
_HEIGHT_PX: Final = 200
_POINTS: Final = 400


def comparison(*run_ids: str) -> None:
    """Charts, then settings that differ, then numbers."""
    found = queries.compare(state.home(), *run_ids)
    names = distinct_names(found.runs)
    lines = names if len(names) <= _NAMED_IN_CHARTS else list(ascii_uppercase[: len(names)])
    if lines is not names:
        names = [f"{letter} {name}" for letter, name in zip(lines, names, strict=True)]
        st.markdown(" &nbsp; ".join(f"**{one[0]}** {escape(one[2:])}" for one in names))
    with st.container(key="charts"):
        for signal, sparse in _CHARTS:
            with st.container(key=f"compare_{signal}"):
                st.markdown(f"**{SIGNALS[signal].title}**")
                _chart(signal, sparse, found.runs, lines)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Settings that differ**")
        if found.settings.empty:
            st.caption("None: they have the same settings.")
        else:
            st.dataframe(settings_diff(found, names), hide_index=True)
    with right:
        st.markdown("**What came of it**")
        st.dataframe(outcome(found, names), hide_index=True)


def distinct_names(runs: Sequence[RunRecord]) -> list[str]:
    """Names that differ, even where several runs have the same one."""
    often = Counter(run.name for run in runs)
    return [run.name if often[run.name] == 1 else f"{run.name} ({run.id[:4]})" for run in runs]


def _chart(signal: str, sparse: bool, runs: Sequence[RunRecord], names: Sequence[str]) -> None:
    together = ".".join(run.id for run in runs)
    share = SIGNALS[signal].unit == "share"
    meaning = SIGNALS[signal].meaning
    styles = [
        Style(short_name(name), meaning, index=index, sparse=sparse) for index, name in enumerate(names)
    ]
    curves = tuple(_curve(signal, run, style, share) for run, style in zip(runs, styles, strict=True))
    live_chart(
        draw(LineChart(curves, unit=" %" if share else "", x_range=_x_range(runs))),
        key=f"compare.{together}.{signal}",
        height=_HEIGHT_PX,
        group=f"compare:{together}",
        label=SIGNALS[signal].title,
        empty="None of them has recorded this yet.",
    )


def _x_range(runs: Sequence[RunRecord]) -> tuple[float, float] | None:
    """The same for all charts, though validation starts later than training."""
    last = max(int(run.summary.get("step") or 0) for run in runs)
    return (1.0, float(last)) if last > 1 else None


def _curve(signal: str, run: RunRecord, style: Style, share: bool) -> Curve:
    with queries.metrics_of(state.home(), run.id) as reader:
        read = reader.sparse if style.sparse else reader.view
        view = read((signal,), points=_POINTS)
    return curve(view, signal, style, STEPS, factor=100.0 if share else 1.0)


def short_name(name: str) -> str:
    """A run's name in a legend."""
    return name if len(name) <= 28 else name[:25] + "..."


def settings_diff(found: queries.Comparison, names: Sequence[str]) -> pd.DataFrame:
    """One row per setting that differs, values as people write them."""
    described = [settings_of(run.config) for run in found.runs]

    def shown(row: dict[Any, Any], place: int) -> str:
        one = described[place].get(row["key"])
        return "-" if one is None else format_value(one, row[found.runs[place].id])

    rows = found.settings.to_dict("records")
    columns = {name: [shown(row, place) for row in rows] for place, name in enumerate(names)}
    return pd.DataFrame({"setting": [f"{row['title']} ({row['key']})" for row in rows], **columns})


def outcome(found: queries.Comparison, names: Sequence[str]) -> pd.DataFrame:
    """The numbers that decide, with units."""
    values = {row["name"]: row for row in found.metrics.to_dict("records")}
    wanted = [name for name in _METRICS if name in values]

    def shown(name: str, run: RunRecord) -> str:
        value = float(values[name][run.id])
        share = SIGNALS[name.removeprefix("best ")].unit == "share"
        return theme.format_percent(value) if share else theme.format_number(value)

    columns = {
        label: [shown(name, run) for name in wanted] for label, run in zip(names, found.runs, strict=True)
    }
    return pd.DataFrame({"": [_title(name) for name in wanted], **columns})


def _title(name: str) -> str:
    title = SIGNALS[name.removeprefix("best ")].title
    return f"Best {title[0].lower()}{title[1:]}" if name.startswith("best ") else title
