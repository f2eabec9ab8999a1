"""All runs as a table; rows are chosen in it."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import streamlit as st

from edgeft_core import queries
from edgeft_core.figures import theme
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home

_ROWS: Final = 12  # more of them scroll
_DEEPEST: Final = 6  # later generations stand below each other
_BLANK, _CORNER = "\u2003", "\u2514"

_STATES: Final = {
    RunState.QUEUED: "\u25cb queued",
    RunState.STARTING: "\u25d4 starting",
    RunState.RUNNING: "\u25cf running",
    RunState.PAUSED: "\u2759\u2759 paused",
    RunState.FINISHED: "\u2713 finished",
    RunState.STOPPED: "\u25a0 stopped",
    RunState.FAILED: "\u2715 failed",
    RunState.LOST: "? lost",
}


def families(home: Home) -> pd.DataFrame:
    """All runs, children under their parents."""
    return queries.in_families(queries.runs_table(queries.catalog_of(home)))


def choose_runs(table: pd.DataFrame) -> list[str]:
    """Draw the table of ``queries.in_families`` and answer the ids of the chosen rows."""
    ids = tuple(table["id"])
    event = st.dataframe(
        presented(table),
        hide_index=True,
        placeholder="-",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"runs.table.{hash(ids)}",
        height="content" if len(table) <= _ROWS else 36 * _ROWS,
        column_config=_COLUMNS,
    )
    rows: list[int] = event["selection"]["rows"]
    return [ids[row] for row in rows if row < len(ids)]


def presented(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that people compare, shares in percent."""
    return pd.DataFrame(
        {
            "state": [_STATES[RunState(state)] for state in table["state"]],
            "name": [indented(row["name"], row["depth"]) for row in table.to_dict("records")],
            "verdict": [_verdict(row) for row in table.to_dict("records")],
            "progress": 100 * table["progress"],
            "top1": 100 * table["best_top1"],
            "top5": 100 * table["best_top5"],
            "chance": [100 / n if pd.notna(n) else None for n in table["n_classes"]],
            "largest": 100 * table["max_class_share"],
            "head": [_head(row) for row in table.to_dict("records")],
            "data": [_data(row) for row in table.to_dict("records")],
            "network": [_network(row) for row in table.to_dict("records")],
            "duration": [theme.format_duration(_number(seconds)) for seconds in table["duration_s"]],
            "created": table["created_at"],
            "preset": table["preset"],
            "origin": table["origin"],
        }
    )


def indented(name: str, depth: int) -> str:
    """A name under that of the run that it was made from."""
    return f"{_BLANK * (min(depth, _DEEPEST) - 1)}{_CORNER} {name}" if depth else name


def _percent(title: str, text: str) -> Any:
    return st.column_config.NumberColumn(title, help=text, format="%.1f %%", width="small")


_COLUMNS: Final = {
    "state": st.column_config.TextColumn("State", width="small"),
    "name": st.column_config.TextColumn(
        "Name", width=190, help="Runs made from another one stand under it: forks, restarts, replays."
    ),
    "verdict": st.column_config.TextColumn(
        "Verdict", width=150, help="How the run is doing, and the step since which that holds."
    ),
    "progress": st.column_config.ProgressColumn("Progress", format="%.0f %%", max_value=100, width="small"),
    "top1": _percent("Best Top-1", "Best validation Top-1, margin off."),
    "top5": _percent("Best Top-5", "Best validation Top-5, margin off."),
    "chance": _percent("Guessing", "Top-1 of guessing: 1 / classes."),
    "largest": _percent("Largest", "Share of the latest predictions on the most predicted class."),
    "preset": st.column_config.TextColumn("Preset"),
    "origin": st.column_config.TextColumn("Origin", help="The run that it was made from, and how."),
    "data": st.column_config.TextColumn("Data"),
    "network": st.column_config.TextColumn("Backbone, weights"),
    "head": st.column_config.TextColumn("Head"),
    "duration": st.column_config.TextColumn("Took", width="small"),
    "created": st.column_config.DatetimeColumn("Launched", format="distance"),
}


def _verdict(row: dict[Any, Any]) -> str | None:
    if not isinstance(row["verdict"], str):
        return None
    since = row["verdict_since"]
    return row["verdict"] if pd.isna(since) else f"{row['verdict']} since {theme.format_count(int(since))}"


def _data(row: dict[Any, Any]) -> str:
    source = "drawn" if row["data"] == "synthetic" else str(row["data"]).replace("\\", "/").rsplit("/", 1)[-1]
    people = f", {int(row['n_classes'])} ids" if pd.notna(row["n_classes"]) else ""
    pixels = "" if row["normalisation"] == "minus_one_to_one" else f", pixels {row['normalisation']}"
    return f"{source}{people}{pixels}"


def _network(row: dict[Any, Any]) -> str:
    weights = str(row["weights"]).replace("\\", "/").rsplit("/", 1)[-1]
    return f"{str(row['backbone']).removeprefix('edgeface_')}, {weights}"


def _head(row: dict[Any, Any]) -> str:
    if isinstance(row["sweep"], str):
        return row["sweep"]
    scale, margin, temperature = (
        theme.format_number(row[name]) for name in ("scale", "margin_rad", "temperature")
    )
    rate = theme.format_rate(row["head_lr"])
    return f"{row['head']} s {scale}, m {margin}, T {temperature}, lr {rate}"


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
