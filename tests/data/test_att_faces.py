"""Real faces: the AT&T database, where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edgeft_core.config import DataConfig
from edgeft_core.data import FaceDataset, open_dataset
from edgeft_core.data.inspection import inspect

ROOT = Path(__file__).resolve().parents[2]
FACES = Path(os.environ.get("EDGEFT_ATT_FACES") or ROOT.parent / "shared" / "data" / "att_faces")

pytestmark = pytest.mark.skipif(
    not FACES.is_dir(), reason=f"the AT&T faces are not at {FACES} (EDGEFT_ATT_FACES)"
)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> FaceDataset:
    return open_dataset(DataConfig(source=str(FACES)), seed=42, cache=tmp_path_factory.mktemp("cache"))


def test_forty_people_with_ten_grey_images_each(faces: FaceDataset) -> None:
    seen = inspect(faces)
    assert faces.class_names == tuple(sorted(f"s{number}" for number in range(1, 41)))
    assert seen.images_per_identity_C.tolist() == [10] * 40
    assert seen.sizes == ((92, 112, 400),)
    assert seen.grey_images == 400
    assert seen.split_images == {"train": 240, "validation": 80, "test": 80}
    assert not seen.warnings
    assert not seen.skipped


def test_pixels_say_who_it_is(faces: FaceDataset) -> None:
    """Nearest neighbour in reduced pixels knows these people: images and labels belong together."""
    small = faces.read_lr(range(400)).astype(float).mean(axis=-1).reshape(400, -1)
    small -= small.mean(axis=1, keepdims=True)
    small /= np.linalg.norm(small, axis=1, keepdims=True)
    train, test = faces.splits["train"], faces.splits["test"]
    nearest = train[(small[test] @ small[train].T).argmax(axis=1)]
    assert (faces.labels_N[nearest] == faces.labels_N[test]).mean() > 0.85
