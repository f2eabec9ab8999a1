"""Plotly charts that update in place."""

from ui.live_chart.component import DEFAULT_GROUP, ChartState, Click, live_chart, visible_range

__all__ = ["DEFAULT_GROUP", "ChartState", "Click", "live_chart", "visible_range"]
