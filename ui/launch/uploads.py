"""Data sets and weight files that come from the browser, kept in the home within bounds."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core.data.uploads import LIMITS, keep_dataset, keep_weights
from edgeft_core.figures import theme
from ui import state
from ui.launch.cost import format_bytes
from ui.messages import calmly

WEIGHT_TYPES: Final = ("safetensors", "pt", "pth", "ckpt", "bin", "torchscript")


def uploaded_dataset(key: str) -> str:
    """The folder that an uploaded zip became; empty before one came."""
    file = st.file_uploader(
        "Zip of faces",
        type="zip",
        key=f"{key}.upload",
        help="One folder per person with png, jpg, webp, bmp or pgm files, zipped; at most "
        f"{format_bytes(LIMITS.packed_bytes)} packed and {format_bytes(LIMITS.unpacked_bytes)} unpacked. "
        "Pictures only: everything else in the zip is left out.",
    )
    if file is None:
        return ""
    with calmly():
        kept = keep_dataset(state.home().uploads, file.name, file)
        left_out = f", {theme.format_count(kept.left_out)} other files were left out" if kept.left_out else ""
        st.caption(f"{theme.format_count(kept.files)} pictures{left_out}.")
        return str(kept.folder)
    return ""


def uploaded_weights(key: str) -> str:
    """The file that an upload was kept as; empty before one came."""
    file = st.file_uploader(
        "Weight file",
        type=list(WEIGHT_TYPES),
        key=f"{key}.upload",
        help="safetensors, a torch file or TorchScript. Only tensors are read from it; code in it never runs.",
    )
    if file is None:
        return ""
    with calmly():
        return str(keep_weights(state.home().uploads, file.name, file))
    return ""
