"""The few rules of layout that Streamlit has no option for. No colours here: they live in the theme."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from edgeft_core.figures.theme import Meaning, colour

ICON: Final = str(Path(__file__).with_name("icon.svg"))

# A chart needs about so much width; the grid then has two columns at 1280 px and three at 1920 px.
CHART_MIN_PX: Final = 400
SIDE_PX: Final = 290
_BANNER_PX: Final = 60
_CHARTS: Final = ':is(.st-key-charts, [class*="st-key-charts_"])'

# The browser picks the colour of its theme.
_BAD: Final = f"light-dark({colour(Meaning.BAD)}, {colour(Meaning.BAD, dark=True)})"

_CSS: Final = f"""
<style>
.stMainBlockContainer {{ padding-left: 1.25rem; padding-right: 1.25rem; }}
.st-key-frame {{ min-height: 2.6rem; }}
.st-key-verdict {{ min-height: {_BANNER_PX}px; justify-content: center; }}
.st-key-banner {{
  min-height: {_BANNER_PX}px; padding: 0.25rem 1rem; border-left: 4px solid {_BAD}; border-radius: 0.4rem;
  background: color-mix(in srgb, {_BAD} 12%, transparent);
}}
{_CHARTS} {{
  display: grid; grid-template-columns: repeat(auto-fill, minmax({CHART_MIN_PX}px, 1fr)); gap: 0.5rem 1rem;
}}
{_CHARTS} > * {{ min-width: 0; }}
{_CHARTS} :is([data-testid="stVerticalBlock"], [data-testid="stHorizontalBlock"]) {{ gap: 0; }}
[class*="st-key-cause_"] [data-testid="stTable"] td > div {{ max-width: none; }}
[class*="st-key-cause_"] [data-testid="stTable"] th p {{ white-space: nowrap; }}
.st-key-side [data-testid="stVerticalBlock"] {{ gap: 0.35rem; }}
.st-key-empty_state {{ max-width: 34rem; margin: 12vh auto 0; }}
{_CHARTS} [data-testid="stPopoverButton"] {{ min-height: 0; padding: 0 0.3rem; }}
:is({_CHARTS}, .st-key-actions) [data-testid="stPopoverButton"] > div > div[aria-hidden="true"] {{
  display: none;
}}
</style>
"""


def apply() -> None:
    """Once per run of the page."""
    st.html(_CSS)
