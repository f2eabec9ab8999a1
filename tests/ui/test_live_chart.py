"""What the server sends for a chart and what it makes of the browser's answers."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import streamlit as st
from hypothesis import given, settings
from hypothesis import strategies as hs
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from ui.live_chart import Click, component
from ui.live_chart.assets import plotly_directory
from ui.live_chart.payload import Encoded, Sent, encode, next_message

Arrays = dict[tuple[int, str], NDArray[Any]]


class Browser:
    """The browser's side, slow and plain."""

    def __init__(self) -> None:
        self.base: dict[str, Any] = {}

    def receive(self, message: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], Arrays]:
        """Traces without arrays, layout, and arrays by trace and attribute."""
        if "token" in message:
            self.base = message
            packed = [(unpack(array), array.get("shape")) for array in message["arrays"]]
            return self.figure(message["traces"], message["layout"], packed)
        assert message["base"] == self.base["token"]
        packed = [(unpack(array), array.get("shape")) for array in self.base["arrays"]]
        for index, keep, tail in message.get("arrays", []):
            packed[index] = (np.concatenate([packed[index][0][:keep], unpack(tail)]), tail.get("shape"))
        traces = [message.get("traces", {}).get(str(i), old) for i, old in enumerate(self.base["traces"])]
        return self.figure(traces, message.get("layout", self.base["layout"]), packed)

    def figure(
        self, traces: list[str], layout: str, packed: list[tuple[NDArray[Any], list[int] | None]]
    ) -> tuple[list[dict[str, Any]], dict[str, Any], Arrays]:
        arrays = {}
        for trace, path, index in self.base["refs"]:
            flat, shape = packed[index]
            arrays[trace, path] = flat.reshape(shape, order="F") if shape else flat
        return [json.loads(trace) for trace in traces], json.loads(layout), arrays


def unpack(packed: dict[str, Any]) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype="<" + packed["dtype"])


def shown(figure: Any) -> tuple[list[dict[str, Any]], dict[str, Any], Arrays]:
    """What a browser makes of the first message about `figure`."""
    return Browser().receive(next_message(encode(figure), None)[0])


def curve(points: int, noise: float = 0.0, title: str = "t") -> go.Figure:
    x = np.arange(points)
    return go.Figure(
        [go.Scatter(x=x, y=np.sqrt(x)), go.Scatter(x=x, y=-np.sqrt(x) + noise)],
        layout={"title": {"text": title}},
    )


def size(message: dict[str, Any]) -> int:
    return len(json.dumps(message))


# --- encoding -------------------------------------------------------------------------------------------


def test_arrays_of_any_origin_arrive_as_numbers() -> None:
    wanted = np.arange(20) / 4
    sources = [wanted, pd.Series(wanted), wanted.tolist(), tuple(wanted.tolist()), wanted.astype(np.float32)]
    for source in sources:
        _, _, arrays = shown(go.Figure(go.Scatter(y=source)))
        assert np.array_equal(arrays[0, "y"], wanted)


def test_a_gap_stays_a_gap() -> None:
    for source in ([None, *range(20)], np.array([np.nan, *range(20)])):
        _, _, arrays = shown({"data": [{"y": source}]})
        assert np.isnan(arrays[0, "y"][0])
        assert arrays[0, "y"][20] == 19


def test_steps_keep_every_digit_and_values_keep_seven() -> None:
    steps = np.array([16_777_217, 16_777_219])
    seconds = np.array([1_700_000_000.25, 1_700_000_001.5])
    _, _, arrays = shown(
        {"data": [{"x": steps, "y": np.array([np.pi, 1e300])}, {"x": seconds, "y": np.ones(2) / 3}]}
    )
    assert np.array_equal(arrays[0, "x"], steps)
    assert np.array_equal(arrays[1, "x"], seconds)
    assert arrays[0, "y"][1] == 1e300  # too large for four bytes
    assert arrays[1, "y"].dtype == np.float32


def test_dates_arrive_as_milliseconds_on_a_date_axis() -> None:
    days = pd.date_range("2024-02-29", periods=3, freq="D")
    _, layout, arrays = shown(go.Figure(go.Scatter(x=days, y=[1, 2, 3], xaxis="x2")))
    assert arrays[0, "x"].tolist() == [1_709_164_800_000 + 86_400_000 * i for i in range(3)]
    assert layout["xaxis2"]["type"] == "date"


def test_heat_maps_and_nested_attributes_keep_their_shape() -> None:
    z = np.arange(6.0).reshape(2, 3)
    marker = {"size": np.arange(20.0), "color": "#123456"}
    traces, _, arrays = shown(go.Figure([go.Heatmap(z=z), go.Scatter(y=np.ones(20), marker=marker)]))
    assert np.array_equal(arrays[0, "z"], z)
    assert np.array_equal(arrays[1, "marker.size"], np.arange(20.0))
    assert traces[1]["marker"] == {"color": "#123456"}


def test_names_short_lists_and_truth_values_stay_text() -> None:
    traces, _, arrays = shown(
        {"data": [{"x": ["a", "b"], "y": [1, 2], "customdata": [True] * 20, "text": ["t"] * 20}]}
    )
    assert not arrays
    assert traces[0]["customdata"] == [True] * 20
    assert traces[0]["y"] == [1, 2]


def test_a_shared_x_axis_travels_once() -> None:
    assert len(encode(curve(50)).arrays) == 3


@pytest.mark.parametrize(
    ("figure", "has_points"),
    [
        (go.Figure(), False),
        (go.Figure(go.Scatter(x=[], y=[])), False),
        (go.Figure(go.Scatter(x=np.array([]), y=np.array([]))), False),
        ({"data": [], "layout": {}}, False),
        (go.Figure(go.Scatter(y=[1])), True),
        (go.Figure(go.Heatmap(z=np.zeros((2, 2)))), True),
        (go.Figure(go.Bar(x=["a"], y=[0])), True),
    ],
)
def test_an_empty_figure_is_told_from_a_filled_one(figure: Any, has_points: bool) -> None:
    assert encode(figure).has_points is has_points


def test_encoding_leaves_the_figure_alone() -> None:
    trace = {"x": np.arange(20), "y": np.arange(20.0)}
    figure: dict[str, Any] = {"data": [trace], "layout": {"title": "t"}}
    encode(figure)
    assert set(trace) == {"x", "y"}
    assert figure["layout"] == {"title": "t"}


# --- messages -------------------------------------------------------------------------------------------


def test_growth_travels_as_its_tail() -> None:
    first, sent = next_message(encode(curve(1500)), None)
    second, _ = next_message(encode(curve(1501)), sent)
    assert "token" in first
    assert [entry[:2] for entry in second["arrays"]] == [[0, 1500], [1, 1500], [2, 1500]]
    assert size(second) < 300 < size(first)


def test_nothing_new_is_nothing_sent_and_always_the_same_message() -> None:
    _, sent = next_message(encode(curve(100)), None)
    second, sent = next_message(encode(curve(100)), sent)
    third, _ = next_message(encode(curve(100)), sent)
    assert second == third == {"base": sent.token}


def test_another_structure_travels_whole() -> None:
    _, sent = next_message(encode(curve(100)), None)
    one_trace = go.Figure(go.Scatter(x=np.arange(100), y=np.arange(100)))
    assert "token" in next_message(encode(one_trace), sent)[0]


def test_another_title_travels_without_the_numbers() -> None:
    _, sent = next_message(encode(curve(100)), None)
    message, _ = next_message(encode(curve(100, title="other")), sent)
    assert set(message) == {"base", "layout"}


def test_a_growing_series_costs_a_small_share_of_sending_it_whole() -> None:
    sent: Sent | None = None
    total = 0
    points = range(1000, 1400)
    for count in points:
        message, sent = next_message(encode(curve(count)), sent)
        total += size(message)
    whole = size(next_message(encode(curve(1200)), None)[0]) * len(points)
    assert total < 0.12 * whole


FIGURES = hs.lists(
    hs.tuples(hs.integers(0, 60), hs.sampled_from([0.0, 0.5]), hs.sampled_from(["a", "b"]), hs.booleans()),
    min_size=1,
    max_size=25,
)


@given(history=FIGURES)
@settings(max_examples=60, deadline=None)
def test_any_history_shows_the_right_figure_even_where_patches_were_lost(
    history: list[tuple[int, float, str, bool]],
) -> None:
    browser = Browser()
    sent: Sent | None = None
    for points, noise, title, lost in history:
        figure = curve(points, noise, title)
        message, sent = next_message(encode(figure), sent)
        if lost and "token" not in message:
            continue
        _, layout, arrays = browser.receive(message)
        _, wanted_layout, wanted = shown(figure)
        assert layout == wanted_layout
        assert arrays.keys() == wanted.keys()
        assert all(np.array_equal(arrays[key], wanted[key]) for key in wanted)


def test_a_heat_map_that_grows_to_the_right_sends_new_columns_only() -> None:
    z = np.random.default_rng(0).normal(size=(30, 101))
    _, sent = next_message(encode(go.Figure(go.Heatmap(z=z[:, :100]))), None)
    message, _ = next_message(encode(go.Figure(go.Heatmap(z=z))), sent)
    assert message["arrays"][0][1] == 3000
    assert message["arrays"][0][2]["shape"] == [30, 101]


def test_equal_figures_have_equal_tokens_and_others_do_not() -> None:
    tokens = {next_message(encode(curve(n)), None)[1].token for n in (20, 21, 20)}
    assert len(tokens) == 2


# --- inside Streamlit -----------------------------------------------------------------------------------


CHART_PAGE = """
import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ui.live_chart import live_chart, visible_range

points = st.session_state.get("points", 20)
state = live_chart(go.Figure(go.Scatter(y=np.arange(points))), key="loss", height=200, label="Loss")
st.text(f"{state.x_range} {state.clicked} {visible_range()}")
"""


def payload(app: AppTest) -> dict[str, Any]:
    """The data of the one component on the page."""
    nodes = [node for node in app.main if node.type == "bidi_component"]
    assert len(nodes) == 1
    data: dict[str, Any] = json.loads(nodes[0].proto.json)
    return data


def test_a_page_runs_without_a_browser() -> None:
    app = AppTest.from_string(CHART_PAGE).run()
    assert not app.exception
    assert app.text[0].value == "None None None"
    first = payload(app)
    assert first["label"] == "Loss"
    assert first["module"].startswith("/component/")
    assert "palette" in first
    app.session_state["points"] = 25
    app.run()
    second = payload(app)
    assert second["figure"]["base"] == first["figure"]["token"]
    assert "palette" not in second


def test_the_script_of_plotly_is_where_we_serve_it_from() -> None:
    assert (plotly_directory() / "plotly.min.js").stat().st_size > 1_000_000


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_the_latest_report_of_any_chart_is_the_range_of_the_group(session: dict[str, Any]) -> None:
    component._remember_range("live", {"at": 2.0, "range": [10, 20]})
    component._remember_range("live", {"at": 1.0, "range": [0, 1]})  # an older report of another chart
    component._remember_range("other", {"at": 9.0, "range": [5, 6]})
    assert component.visible_range("live") == (10.0, 20.0)
    component._remember_range("live", {"at": 3.0, "range": None})
    assert component.visible_range("live") is None


def test_a_chart_reports_through_its_widget_state(session: dict[str, Any]) -> None:
    session["loss"] = {"x_range": {"at": 5, "range": [1, 2]}}
    component._range_changed("loss", "live")
    assert component.visible_range() == (1.0, 2.0)


def test_a_browser_that_asks_for_everything_gets_a_keyframe(session: dict[str, Any]) -> None:
    encoded: Encoded = encode(curve(30))
    component._sent()["loss"] = next_message(encoded, None)[1]
    component._resend("loss")
    assert "loss" not in component._sent()


def test_remembered_figures_are_bounded(session: dict[str, Any]) -> None:
    for number in range(400):
        component._sent()[str(number)] = next_message(encode(curve(20)), None)[1]
    assert len(component._sent()) <= component._MAX_REMEMBERED + 1


def test_a_click_becomes_a_record() -> None:
    value = {"curve": 1, "point_index": [2, 3], "x": 4, "y": "b", "customdata": [1]}
    assert component._click(value) == Click(curve=1, point_index=(2, 3), x=4, y="b", customdata=[1])
    assert component._click(None) is None
