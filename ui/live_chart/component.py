"""`live_chart`: a plotly figure that is updated in place, keeps the user's zoom, and shares its x axis."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import plotly.graph_objects as go
import streamlit as st

from edgeft_core.figures.theme import palette_pairs
from ui.live_chart.assets import asset_urls
from ui.live_chart.payload import Encoded, Sent, encode, next_message

DEFAULT_GROUP: Final = "live"

# The code itself is fetched once per page; what Streamlit resends with every update is only this line.
_LOADER: Final = """
export default (component) => {
  window.edgeftLiveChart ??= import(new URL(component.data.module, location.origin).href)
    .catch((error) => { window.edgeftLiveChart = undefined; throw error; });
  return window.edgeftLiveChart.then((module) => module.mount(component));
}
"""

_SENT_KEY: Final = "edgeft.live_chart.sent"
_RANGE_KEY: Final = "edgeft.live_chart.ranges"
_MAX_REMEMBERED: Final = 128

_mount = st.components.v2.component("edgeft_live_chart", js=_LOADER, isolate_styles=False)


@dataclass(frozen=True)
class Click:
    """A point that the user clicked."""

    curve: int
    point_index: int | tuple[int, ...]
    x: Any
    y: Any
    customdata: Any


@dataclass(frozen=True)
class ChartState:
    """What the user did with a chart.

    `x_range` is the visible part of the x axis in data units (milliseconds since 1970 on a date axis), None
    while all of it is shown; all charts of one group report the same. `clicked` is set for one run.
    """

    x_range: tuple[float, float] | None = None
    clicked: Click | None = None


def live_chart(
    figure: go.Figure | Mapping[str, Any] | Encoded,
    *,
    key: str,
    height: int,
    group: str | None = DEFAULT_GROUP,
    label: str = "",
    empty: str = "Waiting for data ...",
    clicks: bool = True,
) -> ChartState:
    """Show `figure`, `height` pixels high, and update it in place on every later call with the same `key`.

    Parameters
    ----------
    figure
        Encoded already where many sessions show the same.
    key
        Unique within the page. The browser keeps zoom and hidden traces as long as the key stays.
    group
        Charts of one group share zoom, pan, reset and the hover line along x. Put the unit of x into the name
        (`"live:step"`), so that a zoom in steps is not applied to seconds. None: the chart stands alone.
    label
        What the chart shows, for screen readers; the figure's title if not given.
    empty
        What the chart waits for; shown as long as no trace has a point.
    clicks
        Whether a click on a point runs the page (or the fragment) again with `ChartState.clicked`.
    """
    encoded = figure if isinstance(figure, Encoded) else encode(figure)
    sent = _sent()
    message, sent[key] = next_message(encoded, sent.get(key))
    urls = asset_urls()
    name = group or key
    data: dict[str, Any] = {
        "key": key,
        "group": group,
        "height": height,
        "label": label or encoded.title or key,
        "clicks": clicks,
        "waiting": None if encoded.has_points else empty,
        "module": urls.module,
        "plotly": urls.plotly,
        "figure": message,
    }
    if "token" in message:
        data["palette"] = palette_pairs()
    result = _mount(
        key=key,
        data=data,
        height=height,
        on_x_range_change=cast(Callable[[], None], partial(_range_changed, key, name)),
        on_clicked_change=_nothing,
        on_resend_change=cast(Callable[[], None], partial(_resend, key)),
    )
    _remember_range(name, result.get("x_range"))
    return ChartState(x_range=visible_range(name), clicked=_click(result.get("clicked")))


def visible_range(name: str = DEFAULT_GROUP) -> tuple[float, float] | None:
    """The x range to which the user zoomed a group (or a chart without group, by its key); None: everything.

    Known before the chart is drawn, so a page can query that window in finer resolution.
    """
    stamp_and_range = st.session_state.get(_RANGE_KEY, {}).get(name)
    return stamp_and_range[1] if stamp_and_range else None


def _sent() -> dict[str, Sent]:
    sent: dict[str, Sent] = st.session_state.setdefault(_SENT_KEY, {})
    while len(sent) > _MAX_REMEMBERED:
        sent.pop(next(iter(sent)))
    return sent


def _resend(key: str) -> None:
    """The browser lacks the figure that patches refer to: forget it, so that this run sends all of it."""
    _sent().pop(key, None)


def _nothing() -> None:
    """Streamlit reports a trigger only where it has a callback."""


def _range_changed(key: str, name: str) -> None:
    state = st.session_state.get(key)
    if isinstance(state, Mapping):
        _remember_range(name, state.get("x_range"))


def _remember_range(name: str, report: Any) -> None:
    """Keep the latest report of any chart of the group: `{"at": milliseconds, "range": [low, high] | None}`."""
    if not isinstance(report, Mapping):
        return
    ranges = st.session_state.setdefault(_RANGE_KEY, {})
    at = float(report["at"])
    if name not in ranges or at > ranges[name][0]:
        span = report["range"]
        ranges[name] = (at, (float(span[0]), float(span[1])) if span else None)


def _click(value: Any) -> Click | None:
    if not isinstance(value, Mapping):
        return None
    index = value["point_index"]
    return Click(
        curve=int(value["curve"]),
        point_index=tuple(index) if isinstance(index, list) else int(index),
        x=value.get("x"),
        y=value.get("y"),
        customdata=value.get("customdata"),
    )
