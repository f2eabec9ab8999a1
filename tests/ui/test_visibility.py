"""A page polls often while it is looked at and seldom while its tab is hidden."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

PAGE = """
import streamlit as st

from ui.visibility import poll_interval

st.text(poll_interval(visible_s=0.5, hidden_s=20))
"""


def test_a_tab_counts_as_visible_until_the_browser_says_otherwise() -> None:
    app = AppTest.from_string(PAGE).run()
    assert not app.exception
    assert app.text[0].value == "0.5"
