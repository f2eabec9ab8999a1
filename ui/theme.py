"""The figures' colours as Streamlit's theme, and which of the two themes the browser shows.

`.streamlit/config.toml` repeats these colours because Streamlit reads them from nowhere else; a test keeps
both equal.
"""

from typing import Final

import streamlit as st

from edgeft_core.figures.theme import Meaning, colour

_MEANINGS: Final[dict[str, Meaning]] = {
    "primaryColor": Meaning.ACTION,
    "backgroundColor": Meaning.BACKGROUND,
    "secondaryBackgroundColor": Meaning.SURFACE,
    "codeBackgroundColor": Meaning.SURFACE,
    "textColor": Meaning.TEXT,
    "codeTextColor": Meaning.TEXT,
    "linkColor": Meaning.CHANGE,
    "borderColor": Meaning.GRID,
    "redColor": Meaning.BAD,
    "redTextColor": Meaning.BAD,
    "orangeColor": Meaning.WATCH,
    "orangeTextColor": Meaning.WATCH,
    "yellowColor": Meaning.WATCH,
    "yellowTextColor": Meaning.WATCH,
    "greenColor": Meaning.OK,
    "greenTextColor": Meaning.OK,
    "blueColor": Meaning.TRAINING,
    "blueTextColor": Meaning.TRAINING,
    "grayColor": Meaning.CHANCE,
    "grayTextColor": Meaning.MUTED,
}


def streamlit_colours(dark: bool) -> dict[str, str]:
    """The `[theme.light]` or `[theme.dark]` section of `.streamlit/config.toml`."""
    return {option: colour(meaning, dark) for option, meaning in _MEANINGS.items()}


def is_dark() -> bool:
    """Whether the browser shows the dark theme, as far as the server knows.

    Charts do not need it: the browser recolours them. Right after the user switches themes the answer is
    still the old one, until the next run.
    """
    return st.context.theme.type == "dark"
