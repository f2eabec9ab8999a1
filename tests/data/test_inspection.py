"""The look before training: counts, sizes, samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from edgeft_core.config import DataConfig
from edgeft_core.data import open_dataset
from edgeft_core.data.inspection import SAMPLES, inspect
from tests.data.folders import picture, write_identities, write_picture


def test_a_folder_is_counted_by_identity_part_size_and_colour(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 4, "b": 3})
    write_picture(root / "b" / "wide.png", 50, width=80)
    Image.fromarray(picture(51)[..., 0]).save(root / "a" / "grey.pgm")
    (root / "a" / "broken.png").write_bytes(b"no")
    config = DataConfig(source=str(root), image_px=40, max_unreadable_fraction=0.5)
    seen = inspect(open_dataset(config, seed=1, cache=tmp_path / "cache"))
    assert (seen.identities, seen.images) == (2, 9)
    assert seen.images_per_identity_C.tolist() == [5, 4]
    assert seen.counts_C3.tolist() == [[3, 1, 1], [2, 1, 1]]
    assert seen.split_images == {"train": 5, "validation": 2, "test": 2}
    assert seen.sizes == ((40, 40, 8), (80, 40, 1))
    assert seen.grey_images == 1
    assert [item for item, _ in seen.skipped] == ["a/broken.png"]
    assert seen.pixel_bytes == 9 * 40 * 40 * 3
    assert seen.to_draw == 0


def test_samples_show_as_many_people_as_possible(tmp_path: Path) -> None:
    config = DataConfig(identities=100, images_per_identity=4, image_px=32)
    data = open_dataset(config, seed=1, cache=tmp_path)
    chosen = inspect(data).sample_indices
    assert len(chosen) == SAMPLES
    assert len(set(data.labels_N[chosen].tolist())) == SAMPLES


def test_with_few_people_each_is_shown_several_times(tmp_path: Path) -> None:
    config = DataConfig(identities=5, images_per_identity=12, image_px=32)
    data = open_dataset(config, seed=1, cache=tmp_path)
    chosen = inspect(data).sample_indices
    assert len(set(chosen.tolist())) == SAMPLES
    assert np.bincount(data.labels_N[chosen]).tolist() == [5, 5, 5, 5, 4]


def test_drawn_people_are_counted_without_being_drawn(tmp_path: Path) -> None:
    data = open_dataset(DataConfig(identities=10, image_px=32), seed=1, cache=tmp_path)
    seen = inspect(data)
    assert (seen.images, seen.to_draw, seen.grey_images, seen.sizes) == (120, 120, None, ())
    data.read_hr([0, 5])
    assert inspect(data).to_draw == 118
