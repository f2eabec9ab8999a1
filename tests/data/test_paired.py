"""The paired layout: twins by name, identities from names, a split of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeft_core.config import DataConfig
from edgeft_core.data import FaceDataset, open_dataset
from edgeft_core.data.images import shrink
from edgeft_core.data.paired import identity_of
from tests.data.folders import picture, write_pairs


def opened(root: Path, low_res_px: int = 32) -> FaceDataset:
    config = DataConfig.model_validate({"source": str(root), "low_res_px": low_res_px})
    return open_dataset(config, seed=1, cache=root.parent / "cache")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "faces", "train", identities=3, images=4)
    write_pairs(tmp_path / "faces", "val", identities=3, images=2)
    return tmp_path / "faces"


def test_identities_are_names_up_to_the_first_underscore(pairs: Path) -> None:
    data = opened(pairs)
    assert data.class_names == ("id00", "id01", "id02")
    assert len(data.splits["train"]) == 12
    assert len(data.splits["validation"]) == len(data.splits["test"]) == 3
    assert data.item_id(0) == "train/hr_images/id00_train0.png"


@given(st.text(st.characters(exclude_characters="_./\\\0", exclude_categories=["Cs"]), min_size=1), st.text())
def test_what_follows_the_first_underscore_never_matters(identity: str, rest: str) -> None:
    tail = "".join(letter for letter in rest if letter not in "./\\\0")
    assert identity_of(f"{identity}_{tail}.png") == identity
    assert identity_of(f"{identity}.png") == identity


def test_low_resolution_images_are_the_files(pairs: Path) -> None:
    data = opened(pairs)
    index = data.index_of("train/hr_images/id02_train1.png")
    np.testing.assert_array_equal(data.read_lr([index])[0], picture(7000 + 2001, width=32, height=32))
    np.testing.assert_array_equal(data.read_hr([index])[0], picture(2001, width=112, height=112))
    assert not any("made from" in note for note in data.notes)


def test_missing_twins_are_made_and_counted(pairs: Path) -> None:
    (pairs / "train" / "vlr_images_32x32" / "id00_train0.png").unlink()
    data = opened(pairs)
    assert any(note.startswith("1 of 18 low-resolution images") for note in data.notes)
    index = data.index_of("train/hr_images/id00_train0.png")
    both = data.read_lr([index, index + 1])
    np.testing.assert_array_equal(both[0], shrink(data.read_hr([index]), 32)[0])
    np.testing.assert_array_equal(both[1], picture(7000 + 1, width=32, height=32))


def test_a_size_that_is_not_there_is_made_from_the_high_resolution(pairs: Path) -> None:
    data = opened(pairs, low_res_px=16)
    assert data.read_lr([0]).shape == (1, 16, 16, 3)
    assert any(note.startswith("18 of 18 low-resolution images (16 px)") for note in data.notes)


def test_a_broken_twin_is_listed_and_made(pairs: Path) -> None:
    (pairs / "train" / "vlr_images_32x32" / "id00_train0.png").write_bytes(b"broken")
    data = opened(pairs)
    assert data.skipped[0][0] == "train/vlr_images_32x32/id00_train0.png"
    index = data.index_of("train/hr_images/id00_train0.png")
    np.testing.assert_array_equal(data.read_lr([index]), shrink(data.read_hr([index]), 32))


def test_a_twin_of_another_ending_is_found(pairs: Path) -> None:
    low = pairs / "train" / "vlr_images_32x32" / "id00_train0.png"
    low.rename(low.with_suffix(".bmp"))  # decoders look at the content
    assert not any("missing" in note for note in opened(pairs).notes)


def test_orphans_are_left_out_and_counted(pairs: Path) -> None:
    (pairs / "val" / "hr_images" / "id00_val0.png").unlink()
    data = opened(pairs)
    assert any(note.startswith("1 low-resolution image(s) without") for note in data.notes)


def test_twins_of_another_size_are_resized_with_a_warning(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    for part in ("train", "val"):
        write_pairs(root, part, identities=2, images=3, low_res_px=24)
        (root / part / "vlr_images_24x24").rename(root / part / "vlr_images_32x32")
    data = opened(root)
    assert data.read_lr([0]).shape == (1, 32, 32, 3)
    assert any("12 low-resolution image(s) are not 32 x 32" in warning for warning in data.warnings)


@pytest.mark.parametrize("part", ["train", ""])
def test_a_single_part_is_split_by_itself(tmp_path: Path, part: str) -> None:
    write_pairs(tmp_path / "faces", part, identities=3, images=6)
    data = opened(tmp_path / "faces")
    assert {name: len(indices) for name, indices in data.splits.items()} == {
        "train": 12,
        "validation": 3,
        "test": 3,
    }
