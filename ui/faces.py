"""Pictures for pages: data sets opened once per server, contact sheets and thumbnails. No torch."""

from __future__ import annotations

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image

from edgeft_core.config import DataConfig
from edgeft_core.data import FaceDataset, open_dataset
from edgeft_core.settings import Home

Pixels = npt.NDArray[np.uint8]
Progress = Callable[[str, int, int], None]

_MOST_OPEN: Final = 4


class _OpenDatasets:
    """The data sets that were used last; opening one may take a while, so two sessions never open it twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: OrderedDict[tuple[Any, ...], FaceDataset] = OrderedDict()

    def get(self, config: DataConfig, seed: int, cache: Path, progress: Progress | None) -> FaceDataset:
        key = (config.model_dump_json(), seed, str(cache), _stamp(config.source))
        with self._lock:
            if key not in self._by_key:
                self._by_key[key] = open_dataset(config, seed=seed, cache=cache, progress=progress)
                while len(self._by_key) > _MOST_OPEN:
                    self._by_key.popitem(last=False)
            self._by_key.move_to_end(key)
            return self._by_key[key]


@st.cache_resource(show_spinner=False)
def _open_datasets() -> _OpenDatasets:
    return _OpenDatasets()


def dataset(config: DataConfig, *, seed: int, home: Home, progress: Progress | None = None) -> FaceDataset:
    """The data set of a run.

    Raises:
        DataError: it cannot be used; the message says why.
    """
    return _open_datasets().get(config, seed, home.cache, progress)


def _stamp(source: str) -> int:
    """Changes when images are added to or removed from the folder's top."""
    path = Path(source).expanduser()
    return path.stat().st_mtime_ns if source != "synthetic" and path.is_dir() else 0


def contact_sheet(faces_NHWC: Pixels, columns: int, *, gap_px: int = 4) -> Pixels:
    """Faces in rows, with a transparent gap: (H, W, 4) uint8."""
    count, height, width, _ = faces_NHWC.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * (height + gap_px) - gap_px, columns * (width + gap_px) - gap_px, 4), np.uint8)
    for index, face in enumerate(faces_NHWC):
        row, column = divmod(index, columns)
        top, left = row * (height + gap_px), column * (width + gap_px)
        sheet[top : top + height, left : left + width, :3] = face
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def data_uri(face_HWC: Pixels) -> str:
    """A face as a WebP in a ``data:`` address, a few kilobytes."""
    buffer = io.BytesIO()
    Image.fromarray(face_HWC).save(buffer, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def enlarge(faces_NHWC: Pixels, px: int) -> Pixels:
    """Low-resolution faces enlarged bicubically, as ``data.super_resolution = "bicubic"`` does."""
    enlarged = [
        np.asarray(Image.fromarray(face).resize((px, px), Image.Resampling.BICUBIC)) for face in faces_NHWC
    ]
    return np.stack(enlarged) if enlarged else np.zeros((0, px, px, 3), np.uint8)


def read_faces(data: FaceDataset, indices: Sequence[int], *, enlarged: bool) -> Pixels:
    """What the backbone sees (enlarged from low resolution), or the originals: (N, px, px, 3)."""
    if not indices:
        return np.zeros((0, data.image_px, data.image_px, 3), np.uint8)
    if enlarged:
        return enlarge(data.read_lr(list(indices)), data.image_px)
    return data.read_hr(list(indices))
