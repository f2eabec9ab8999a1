"""Where the images come from, checked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from edgeft_core import access
from edgeft_core.config_keys import Setting
from edgeft_core.errors import AccessError
from ui.launch.uploads import uploaded_dataset
from ui.messages import escape, show_error

_SYNTHETIC: Final = "synthetic"


def data_source(value: str, key: str) -> str:
    """``"synthetic"``, or the folder that the user named."""
    kind = st.segmented_control(
        "Source",
        ("drawn identities", "a folder of mine", "a zip to upload"),
        default="drawn identities" if value == _SYNTHETIC else "a folder of mine",
        required=True,
        key=f"{key}.kind",
        help="Drawn identities need no download. A folder lies on the machine that EdgeFT runs on and holds one folder "
        "per person, or train and val folders of paired resolutions. A zip of such a folder comes from your browser.",
    )
    if kind == "drawn identities":
        return _SYNTHETIC
    if kind == "a zip to upload":
        return uploaded_dataset(key)
    folder = st.text_input(
        "Folder",
        value="" if value == _SYNTHETIC else value,
        key=f"{key}.folder",
        placeholder="/path/to/faces",
        help="One folder per identity (png, jpg, webp, bmp, pgm), or train|val/hr_images with vlr_images_32x32.",
    ).strip()
    if folder and not may_name(folder):
        return ""
    if folder and not Path(folder).expanduser().is_dir():
        what = "a file, not a folder" if Path(folder).expanduser().is_file() else "no such folder"
        st.error(f"{escape(folder)}: {what}. Give the folder that holds one folder per person.")
    return folder


def may_name(path: str) -> bool:
    """Whether the visitor may name this path; a sentence where not, which does not tell what is there."""
    try:
        access.require_path(path)
    except AccessError as error:
        show_error(error)
        return False
    return True


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
    if chosen != "bicubic" and may_name(chosen) and not Path(chosen).expanduser().is_file():
        st.error(f"{escape(chosen)}: no such file. Give a weight file, or bicubic.")
    return str(chosen)
