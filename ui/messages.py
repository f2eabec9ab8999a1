"""Errors as one calm sentence, and empty states that say what to do next."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from edgeft_core.errors import ConfigError, EdgeFTError

_log = logging.getLogger(__name__)


@contextmanager
def calmly() -> Iterator[None]:
    """Show what goes wrong inside as a sentence; nobody who trains a model should have to read a traceback."""
    try:
        yield
    except EdgeFTError as error:
        show_error(error)
    except Exception as error:
        _log.exception("unexpected error on a page")
        st.error(
            f"This part of the page could not be drawn ({type(error).__name__}: {escape(str(error))}). "
            "Nothing of the run is lost; reload the page. The server's log has the details.",
            icon=":material/error:",
        )


def show_error(error: EdgeFTError) -> None:
    """One sentence, or a list where several settings are wrong at once."""
    if isinstance(error, ConfigError) and len(error.problems) > 1:
        lines = "\n".join(f"- {escape(problem)}" for problem in error.problems)
        st.error(f"Some settings do not work:\n\n{lines}", icon=":material/error:")
    else:
        st.error(escape(str(error)), icon=":material/error:")


def empty_state(title: str, text: str, *, icon: str, page: str = "", action: str = "") -> None:
    """What a page shows when it has nothing to show: why, and the way on."""
    with st.container(key="empty_state", horizontal_alignment="center", gap="small"):
        st.markdown(f"### :material/{icon}: {title}", text_alignment="center")
        st.markdown(text, text_alignment="center")
        if page and st.button(action, type="primary"):
            st.switch_page(page)


def escape(text: str) -> str:
    """``text`` as Streamlit's markdown shows it literally: names and paths carry no formatting."""
    escaped = "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in text)
    return escaped.replace("<", "&lt;").replace(">", "&gt;").replace("\n", "  \n")


def prose(text: str) -> str:
    """:func:`escape` for sentences, with percentages written as everywhere on the screen: ``98 %``."""
    return re.sub(r"(?<=\d)%", "\u00a0%", escape(text))


_MARKDOWN = frozenset("\\`*_{}[]()#+-!|~$:&^=\"'")
