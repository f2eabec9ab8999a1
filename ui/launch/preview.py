"""What the data looks like, before anything is trained on it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import access
from edgeft_core.config import DataConfig
from edgeft_core.data import FaceDataset
from edgeft_core.data.inspection import Inspection, inspect
from edgeft_core.figures import theme
from edgeft_core.figures.bars import draw_images_per_identity, images_per_identity
from ui import faces, state
from ui.live_chart import live_chart
from ui.messages import escape

_FACES: Final = 16
_COLUMNS: Final = 8
_MOST_SKIPPED: Final = 200


def opened(config: DataConfig, seed: int) -> FaceDataset:
    """The data set, with a progress bar while its files are read for the first time.

    Raises:
        AccessError: the visitor may not name its folder.
        DataError: it cannot be trained on.
    """
    if config.source != "synthetic":
        access.require_path(config.source)
    place = st.empty()

    def show(what: str, done: int, total: int) -> None:
        place.progress(
            done / max(1, total), text=f"{what}: {theme.format_count(done)} of {theme.format_count(total)}"
        )

    data = faces.dataset(config, seed=seed, home=state.home(), progress=show)
    place.empty()
    return data


def preview(data: FaceDataset, config: DataConfig) -> None:
    """Faces, images per identity, splits, and whatever the user should know."""
    found = inspect(data)
    st.markdown(f"**{summary(found)}**")
    st.caption(splits(found))
    _sheet(data, config, found.sample_indices.tolist()[:_FACES])
    counts_C = found.images_per_identity_C
    if counts_C.min() != counts_C.max():
        live_chart(
            draw_images_per_identity(images_per_identity(counts_C)),
            key="launch_images_per_identity",
            height=150,
            group=None,
            label="Images per identity",
        )
    for warning in found.warnings:
        st.warning(escape(warning))
    for note in (*found.notes, *sizes(found)):
        st.caption(f":material/info: {escape(note)}")
    _skipped(found.skipped)


def summary(found: Inspection) -> str:
    """``"518 identities, 6 216 images, 12 of each"``."""
    low, high = int(found.images_per_identity_C.min()), int(found.images_per_identity_C.max())
    each = f"{low} of each" if low == high else f"{low} to {high} of each"
    return f"{theme.format_count(found.identities)} identities, {theme.format_count(found.images)} images, {each}"


def splits(found: Inspection) -> str:
    """``"Images for training 4 144, validation 1 036, test 1 036. ..."``."""
    names = {"train": "training", "validation": "validation", "test": "test"}
    parts = [f"{names[name]} {theme.format_count(images)}" for name, images in found.split_images.items()]
    return f"Images for {', '.join(parts)}. Guessing gets a Top-1 of {theme.format_percent(1 / found.identities)}."


def sizes(found: Inspection) -> list[str]:
    """What the files held, in words; nothing for drawn people."""
    if not found.sizes:
        return []
    shown = ", ".join(
        f"{width} x {height} px ({theme.format_count(images)})" for width, height, images in found.sizes
    )
    more = f" and {found.other_sizes} other sizes" if found.other_sizes else ""
    grey = f" {theme.format_count(found.grey_images)} files have no colour." if found.grey_images else ""
    return [f"Sizes of the files: {shown}{more}.{grey}"]


def _sheet(data: FaceDataset, config: DataConfig, chosen: list[int]) -> None:
    enlarged = config.train_on == "sr"
    sheet = faces.contact_sheet(faces.read_faces(data, chosen, enlarged=enlarged), _COLUMNS)
    seen = f"enlarged from {config.low_res_px} px" if enlarged else f"at {data.image_px} px"
    names = ", ".join(
        data.class_names[label] for label in sorted({int(data.labels_N[index]) for index in chosen})
    )
    st.image(
        sheet,
        caption=f"{len(chosen)} of them, {seen}: what the backbone sees",
        alt=f"Faces of {names}",
        width="stretch",
    )


def _skipped(skipped: tuple[tuple[str, str], ...]) -> None:
    if not skipped:
        return
    with st.expander(f"{theme.format_count(len(skipped))} files could not be used"):
        st.dataframe([{"file": item, "why": why} for item, why in skipped[:_MOST_SKIPPED]], hide_index=True)
        if len(skipped) > _MOST_SKIPPED:
            st.caption(f"showing {_MOST_SKIPPED} of {theme.format_count(len(skipped))}")
