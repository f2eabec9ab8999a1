"""Pictures of samples and of identities, as small ``data:`` addresses kept by the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import streamlit as st

from edgeft_core.config import RunConfig
from edgeft_core.data import FaceDataset
from edgeft_core.errors import DataError
from ui import faces

_EXAMPLES: Final = 4


class Pictures:
    """Faces of one run's data set."""

    def __init__(self, data: FaceDataset, config: RunConfig) -> None:
        self.data = data
        self.config = config

    @property
    def enlarged(self) -> bool:
        return self.config.data.train_on == "sr"

    def of_items(self, items: Sequence[str]) -> dict[str, str]:
        """What the backbone sees of each item; items that the data set no longer has are left out."""
        indices: dict[str, int] = {}
        for item in items:
            try:
                indices[item] = self.data.index_of(item)
            except DataError:
                continue
        return dict(zip(indices, self._addresses(tuple(indices.values()), self.enlarged), strict=True))

    def pair(self, item: str) -> tuple[str, str]:
        """The face as the backbone sees it when it is trained on low resolution, and the original."""
        index = (self.data.index_of(item),)
        return self._addresses(index, True)[0], self._addresses(index, False)[0]

    def examples(self, name: str, besides: str = "") -> list[str]:
        """Training images of one identity, by its name."""
        if name not in self.data.class_names:
            return []
        label = self.data.class_names.index(name)
        train = self.data.splits["train"]
        own = train[self.data.labels_N[train] == label]
        chosen = [int(index) for index in own if self.data.item_id(int(index)) != besides][:_EXAMPLES]
        return self._addresses(tuple(chosen), False)

    def _addresses(self, indices: tuple[int, ...], enlarged: bool) -> list[str]:
        key = (self.config.data.model_dump_json(), self.config.seed)
        return _rendered(key, indices, enlarged, self.data)


@st.cache_data(show_spinner=False, max_entries=256)
def _rendered(
    key: tuple[str, int], indices: tuple[int, ...], enlarged: bool, _data: FaceDataset
) -> list[str]:
    """Kept by data set and indices, so that turning pages back costs nothing."""
    del key
    if not indices:
        return []
    pixels = faces.read_faces(_data, np.asarray(indices).tolist(), enlarged=enlarged)
    return [faces.data_uri(face) for face in pixels]
