"""Two runs side by side: the same charts with both, what was set differently, what came of it."""

from __future__ import annotations

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
_HEIGHT_PX: Final = 200
_POINTS: Final = 400


def comparison(first_id: str, second_id: str) -> None:
    """Charts, then settings that differ, then numbers."""
    both = queries.compare(state.home(), first_id, second_id)
    names = _two_names(both.first, both.second)
    with st.container(key="charts"):
        for signal, sparse in _CHARTS:
            with st.container(key=f"compare_{signal}"):
                st.markdown(f"**{SIGNALS[signal].title}**")
                _chart(signal, sparse, (both.first, both.second), names)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Settings that differ**")
        if both.settings.empty:
            st.caption("None: both runs have the same settings.")
        else:
            st.dataframe(settings_diff(both, names), hide_index=True)
    with right:
        st.markdown("**What came of it**")
        st.dataframe(outcome(both.metrics, names), hide_index=True)


def _two_names(first: RunRecord, second: RunRecord) -> tuple[str, str]:
    """Names that differ, even where two runs have the same one."""
    if first.name != second.name:
        return first.name, second.name
    return f"{first.name} ({first.id[:4]})", f"{second.name} ({second.id[:4]})"


def _chart(signal: str, sparse: bool, runs: tuple[RunRecord, RunRecord], names: tuple[str, str]) -> None:
    share = SIGNALS[signal].unit == "share"
    meaning = SIGNALS[signal].meaning
    styles = [
        Style(short_name(name), meaning, index=index, sparse=sparse) for index, name in enumerate(names)
    ]
    curves = tuple(_curve(signal, run, style, share) for run, style in zip(runs, styles, strict=True))
    live_chart(
        draw(LineChart(curves, unit=" %" if share else "", x_range=_x_range(runs))),
        key=f"compare.{runs[0].id}.{runs[1].id}.{signal}",
        height=_HEIGHT_PX,
        group=f"compare:{runs[0].id}:{runs[1].id}",
        label=SIGNALS[signal].title,
        empty="Neither run has recorded this yet.",
    )


def _x_range(runs: tuple[RunRecord, RunRecord]) -> tuple[float, float] | None:
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


def settings_diff(both: queries.Comparison, names: tuple[str, str]) -> pd.DataFrame:
    """One row per setting that differs, values as people write them."""
    described = settings_of(both.first.config) | settings_of(both.second.config)

    def shown(key: str, value: Any, run: RunRecord) -> str:
        present = key in settings_of(run.config)
        return format_value(described[key], value) if present else "-"

    rows = both.settings.to_dict("records")
    return pd.DataFrame(
        {
            "setting": [f"{row['title']} ({row['key']})" for row in rows],
            names[0]: [shown(row["key"], row["first"], both.first) for row in rows],
            names[1]: [shown(row["key"], row["second"], both.second) for row in rows],
        }
    )


def outcome(metrics: pd.DataFrame, names: tuple[str, str]) -> pd.DataFrame:
    """The numbers that decide, with units."""
    values = {row["name"]: row for row in metrics.to_dict("records")}
    wanted = [name for name in _METRICS if name in values]

    def shown(name: str, column: str) -> str:
        value = float(values[name][column])
        share = SIGNALS[name.removeprefix("best ")].unit == "share"
        return theme.format_percent(value) if share else theme.format_number(value)

    return pd.DataFrame(
        {
            "": [_title(name) for name in wanted],
            names[0]: [shown(name, "first") for name in wanted],
            names[1]: [shown(name, "second") for name in wanted],
        }
    )


def _title(name: str) -> str:
    title = SIGNALS[name.removeprefix("best ")].title
    return f"Best {title[0].lower()}{title[1:]}" if name.startswith("best ") else title
