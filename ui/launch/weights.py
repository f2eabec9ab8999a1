"""Which network, and which weight file for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from edgeft_core.config_keys import Setting
from edgeft_core.settings import CHECKPOINTS, DEMO_WEIGHTS
from ui.launch.sources import may_name
from ui.launch.uploads import uploaded_weights
from ui.messages import escape

EDGEFACE: Final = ("edgeface_xxs", "edgeface_xs_gamma_06", "edgeface_s_gamma_05", "edgeface_base")
_SUFFIXES: Final = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".torchscript")
_WORDS: Final = {
    "demo": "demo (ships with the app)",
    "none": "none (random start)",
    "timm": "timm's own (ImageNet)",
}
_UPLOAD: Final = "a file to upload"


def backbone_name(one: Setting, value: str, key: str) -> str:
    """One of the four EdgeFace variants, or the name of any timm model."""
    options = list(dict.fromkeys([*EDGEFACE, value]))
    chosen = st.selectbox(
        one.title,
        options,
        index=options.index(value),
        key=key,
        help=one.text,
        accept_new_options=True,
    )
    return str(chosen)


def weights(one: Setting, value: str, key: str) -> str:
    """``demo``, ``none``, ``timm``, or a weight file: one that lies in checkpoints/, an upload, or a path.

    Empty while an upload is waited for.
    """
    options = list(dict.fromkeys([*_WORDS, *map(str, files_in(CHECKPOINTS)), value, _UPLOAD]))
    chosen = st.selectbox(
        one.title,
        options,
        index=options.index(value),
        format_func=lambda option: _WORDS.get(option) or Path(option).name,
        key=key,
        help=f"{one.text} Files in checkpoints/ are listed; a path may be typed.",
        accept_new_options=True,
    )
    if chosen == _UPLOAD:
        return uploaded_weights(key)
    if chosen not in _WORDS and may_name(str(chosen)) and not Path(chosen).expanduser().is_file():
        st.error(
            f"{escape(chosen)}: no such file. Put it into {escape(str(CHECKPOINTS))}, or give its whole path."
        )
    return str(chosen)


def files_in(folder: Path) -> list[Path]:
    """Weight files that a user put there; the demo weights have a name of their own."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix in _SUFFIXES and path.is_file() and path != DEMO_WEIGHTS
    )
