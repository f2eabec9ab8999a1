"""What the ? beside a chart says: the paragraph of docs/signals.md, else the sentence of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.settings import REPOSITORY

DOCUMENT: Final = REPOSITORY / "docs" / "signals.md"
_HEADING: Final = re.compile(r"^#{2,4}\s+(.*?)\s*$", re.MULTILINE)


def explanation(signals: Sequence[str]) -> str:
    """Streamlit markdown about ``signals``, in their order; those that share a paragraph share its heading."""
    paragraphs = _paragraphs(str(DOCUMENT), DOCUMENT.stat().st_mtime_ns if DOCUMENT.is_file() else 0)
    titles: dict[str, list[str]] = {}
    for name in signals:
        titles.setdefault(_about(name, paragraphs), []).append(SIGNALS[name].title)
    return "\n\n".join(f"**{', '.join(dict.fromkeys(names))}**  \n{text}" for text, names in titles.items())


def _about(name: str, paragraphs: Mapping[str, str]) -> str:
    signal = SIGNALS[name]
    compared = f" Compare with: {signal.reference}." if signal.reference else ""
    return paragraphs.get(name) or paragraphs.get(signal.title.lower()) or f"{signal.meaning}{compared}"


@st.cache_data(show_spinner=False, max_entries=2)
def _paragraphs(path: str, stamp: int) -> dict[str, str]:
    """Heading, in lower case and without code marks, to the text below it."""
    if not stamp:
        return {}
    return sections(Path(path).read_text(encoding="utf-8"))


def sections(text: str) -> dict[str, str]:
    """The second- to fourth-level sections of a Markdown text; a heading may name several signals, by commas."""
    found: dict[str, str] = {}
    headings = list(_HEADING.finditer(text))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        body = text[heading.end() : following.start() if following else len(text)].strip()
        for name in heading[1].replace("`", "").lower().split(","):
            found.setdefault(name.strip(), body)
    return found
