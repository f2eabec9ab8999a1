"""A folder per identity: what is found, what is left out, what is said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeft_core.config import DataConfig
from edgeft_core.data import FaceDataset, open_dataset
from edgeft_core.errors import DataError
from tests.data.folders import picture, write_identities, write_picture


def opened(root: Path, *, seed: int = 1, cache: Path | None = None, **settings: object) -> FaceDataset:
    config = DataConfig.model_validate({"source": str(root), "image_px": 40, "low_res_px": 16, **settings})
    return open_dataset(config, seed=seed, cache=cache or root.parent / "cache")


def test_labels_follow_sorted_names_and_items_are_paths(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"zoe": 3, "adam": 4, "s10": 3, "s2": 3})
    data = opened(root)
    assert data.class_names == ("adam", "s10", "s2", "zoe")
    assert data.item_id(0) == "adam/0.png"
    assert [data.class_names[label] for label in data.labels_N] == ["adam"] * 4 + ["s10"] * 3 + ["s2"] * 3 + [
        "zoe"
    ] * 3
    assert all(data.index_of(data.item_id(index)) == index for index in range(len(data)))


def test_pixels_are_those_of_the_file(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 3, "b": 3})
    data = opened(root)
    write_order = {"a/0.png": 1, "a/1.png": 2, "a/2.png": 3, "b/0.png": 4, "b/1.png": 5, "b/2.png": 6}
    for index in range(len(data)):
        np.testing.assert_array_equal(data.read_hr([index])[0], picture(write_order[data.item_id(index)]))
    assert data.read_lr([4, 0]).shape == (2, 16, 16, 3)
    assert any("made from" in note for note in data.notes)


def test_hidden_and_foreign_files_are_left_out_and_counted(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 3, "b": 3})
    (root / "a" / "notes.txt").write_text("hello")
    (root / "readme.md").write_text("hello")
    (root / "a" / ".DS_Store").write_text("x")
    write_picture(root / "b" / "._0.png", 90)
    write_picture(root / ".cache" / "c.png", 91)
    write_picture(root / "stray.png", 92)
    data = opened(root)
    assert len(data) == 6
    assert any(note.startswith("2 file(s) that are not images") for note in data.notes)
    assert any(note.startswith("1 image(s) outside") for note in data.notes)


def test_images_may_lie_deeper_than_their_identitys_folder(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a/monday": 2, "a/friday": 1, "b": 3})
    data = opened(root)
    assert data.class_names == ("a", "b")
    assert np.bincount(data.labels_N).tolist() == [3, 3]
    assert any(note.startswith("3 image(s) lie in folders inside") for note in data.notes)


def test_names_with_spaces_and_of_every_script_survive(tmp_path: Path) -> None:
    names = ["Anna Maria (2)", "Zo\u00eb", "\u674e\u5c0f\u9f99", "\u0639\u0644\u064a", "\U0001f600 smile"]
    data = opened(write_identities(tmp_path / "my faces \u00fc", dict.fromkeys(names, 3)))
    assert data.class_names == tuple(sorted(names))
    assert data.read_hr(range(len(data))).shape[0] == 15


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are no text")
def test_a_name_that_is_no_text_is_read_and_shown_escaped(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 3, "b": 3})
    (root / "b").rename(Path(os.fsdecode(os.fsencode(root) + b"/b\xff")))
    data = opened(root)
    assert data.class_names == ("a", "b\\xff")
    data.class_names[1].encode("utf-8")
    assert data.read_hr([5]).max() > 0


def test_a_split_of_the_folders_own_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    write_identities(root / "train", {"a": 4, "b": 4})
    write_identities(root / "Val", {"a": 2, "b": 2})
    data = opened(root)
    assert data.class_names == ("a", "b")
    assert {data.item_id(i).split("/")[0] for i in data.splits["train"]} == {"train"}
    assert {data.item_id(i).split("/")[0] for i in data.splits["validation"]} == {"Val"}
    assert len(data.splits["validation"]) == len(data.splits["test"]) == 2
    assert any("no test part" in note for note in data.notes)


@pytest.mark.parametrize("others", [{}, {"anna": 3}])
def test_people_named_train_and_test_are_people_when_images_lie_in_their_folders(
    tmp_path: Path, others: dict[str, int]
) -> None:
    data = opened(write_identities(tmp_path / "faces", {"train": 3, "test": 3, **others}))
    assert data.class_names == tuple(sorted({"train", "test", *others}))


def test_a_folder_beside_the_parts_is_left_out_and_named(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    write_identities(root / "train", {"a": 3, "b": 3})
    write_identities(root / "val", {"a": 2, "b": 2})
    write_identities(root / "annotations", {"plots": 1})
    data = opened(root)
    assert data.class_names == ("a", "b")
    assert any("left out: annotations" in note for note in data.notes)


def test_a_split_without_common_identities_is_an_error(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    write_identities(root / "train", {"a": 3, "b": 3})
    write_identities(root / "val", {"c": 3, "d": 3})
    with pytest.raises(DataError, match="share no identity"):
        opened(root)


def test_people_who_are_only_scored_are_left_out_with_a_warning(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    write_identities(root / "train", {"a": 3, "b": 3})
    write_identities(root / "val", {"a": 2, "b": 2, "ghost": 2})
    data = opened(root)
    assert data.class_names == ("a", "b")
    assert any("ghost" in warning and "2 images" in warning for warning in data.warnings)
    assert not any("ghost" in item for item in data.items)


def test_people_who_are_trained_but_never_scored_are_warned_about(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    write_identities(root / "train", {"a": 3, "b": 3, "c": 3})
    write_identities(root / "val", {"a": 2, "b": 2})
    data = opened(root)
    assert data.class_names == ("a", "b", "c")
    assert any("1 identities are trained on but" in warning for warning in data.warnings)


def test_broken_images_are_skipped_listed_and_said(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 10, "b": 10})
    (root / "a" / "3.png").write_bytes((root / "a" / "3.png").read_bytes()[:60])
    data = opened(root)
    assert len(data) == 19
    assert [item for item, _ in data.skipped] == ["a/3.png"]
    assert data.skipped[0][1]
    assert "a/3.png" not in data.items


def test_an_identity_whose_images_are_all_broken_is_no_class(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 10, "b": 10, "c": 1})
    (root / "c" / "0.png").write_text("no picture")
    data = opened(root)
    assert data.class_names == ("a", "b")
    assert any("(c)" in warning for warning in data.warnings)


def test_too_many_broken_images_stop_with_their_names(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 5, "b": 5})
    for name in ("0", "1"):
        (root / "a" / f"{name}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of 10 images .* \(20%, allowed are 10%\).*a/0.png"):
        opened(root)
    assert len(opened(root, max_unreadable_fraction=0.2)) == 8


def test_a_repaired_image_is_used_again(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 10, "b": 10})
    whole = (root / "a" / "3.png").read_bytes()
    (root / "a" / "3.png").write_bytes(whole[:60])
    assert len(opened(root)) == 19
    (root / "a" / "3.png").write_bytes(whole)
    data = opened(root)
    assert len(data) == 20
    np.testing.assert_array_equal(data.read_hr([data.index_of("a/3.png")])[0], picture(4))


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ({"only": 5}, "one identity only"),
        ({"a": 1, "b": 1}, "No identity .* has a second image"),
    ],
)
def test_data_that_nothing_can_be_learnt_from_is_refused(
    tmp_path: Path, images: dict[str, int], sentence: str
) -> None:
    root = write_identities(tmp_path / "faces", images)
    with pytest.raises(DataError, match=sentence):
        opened(root)


def test_single_images_train_and_are_warned_about(tmp_path: Path) -> None:
    data = opened(write_identities(tmp_path / "faces", {"a": 6, "b": 6, "lone": 1}))
    lone = data.class_names.index("lone")
    assert (data.labels_N[data.splits["train"]] == lone).sum() == 1
    assert "single image" in data.warnings[0]


def test_a_missing_folder_names_its_neighbours(tmp_path: Path) -> None:
    write_identities(tmp_path / "celebrities", {"a": 1})
    with pytest.raises(DataError, match=r"Did you mean .*celebrities"):
        opened(tmp_path / "celebrites", cache=tmp_path / "cache")


def test_a_misspelt_synthetic_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="Did you mean synthetic"):
        open_dataset(DataConfig(source="sinthetic"), seed=1, cache=tmp_path / "cache")


def test_a_missing_parent_names_what_exists(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nearest folder that exists is"):
        opened(tmp_path / "no" / "such" / "place", cache=tmp_path / "cache")


def test_a_file_as_source_is_refused(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", 1)
    with pytest.raises(DataError, match="is a file"):
        opened(path, cache=tmp_path / "cache")


def test_an_empty_folder_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    with pytest.raises(DataError, match="No image was found"):
        opened(tmp_path / "faces")


def test_images_without_identity_folders_say_what_to_do(tmp_path: Path) -> None:
    write_picture(tmp_path / "faces" / "a.png", 1)
    with pytest.raises(DataError, match="folder of their own"):
        opened(tmp_path / "faces")


def test_one_folder_too_high_is_recognised(tmp_path: Path) -> None:
    write_identities(tmp_path / "download" / "faces", {"a": 3, "b": 3})
    with pytest.raises(DataError, match=r"Did you mean .*faces"):
        opened(tmp_path / "download")


def test_a_quoted_path_is_understood(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 3, "b": 3})
    config = DataConfig(source=f' "{root}" ', image_px=40)
    assert len(open_dataset(config, seed=1, cache=tmp_path / "cache")) == 6


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="needs POSIX rights")
def test_a_locked_folder_is_an_error_with_its_name(tmp_path: Path) -> None:
    root = write_identities(tmp_path / "faces", {"a": 3, "b": 3})
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    root.chmod(0)
    try:
        with pytest.raises(DataError, match="cannot be read"):
            opened(root)
    finally:
        root.chmod(0o755)
