"""Where the images come from, checked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from edgeft_core.config_keys import Setting
from ui.messages import escape

_SYNTHETIC: Final = "synthetic"


def data_source(value: str, key: str) -> str:
    """``"synthetic"``, or the folder that the user named."""
    kind = st.segmented_control(
        "Source",
        ("drawn identities", "a folder of mine"),
        default="drawn identities" if value == _SYNTHETIC else "a folder of mine",
        required=True,
        key=f"{key}.kind",
        help="Drawn identities need no download. A folder holds one folder per person, or train and val "
        "folders of paired resolutions.",
    )
    if kind == "drawn identities":
        return _SYNTHETIC
    folder = st.text_input(
        "Folder",
        value="" if value == _SYNTHETIC else value,
        key=f"{key}.folder",
        placeholder="/path/to/faces",
        help="One folder per identity (png, jpg, webp, bmp, pgm), or train|val/hr_images with vlr_images_32x32.",
    ).strip()
    if folder and not Path(folder).expanduser().is_dir():
        what = "a file, not a folder" if Path(folder).expanduser().is_file() else "no such folder"
        st.error(f"{escape(folder)}: {what}. Give the folder that holds one folder per person.")
    return folder


def super_resolution(one: Setting, value: str, key: str) -> str:
    """``"bicubic"``, or a weight file of the user's."""
    chosen = st.selectbox(
        one.title,
        list(dict.fromkeys(["bicubic", value])),
        index=0 if value == "bicubic" else 1,
        key=key,
        help=one.text,
        accept_new_options=True,
    )
    if chosen != "bicubic" and not Path(chosen).expanduser().is_file():
        st.error(f"{escape(chosen)}: no such file. Give a weight file, or bicubic.")
    return str(chosen)
