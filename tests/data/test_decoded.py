"""Decoded images: kept on disk, decoded again only where files changed, and done without where that fails."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeft_core.data import decoded
from edgeft_core.data.decoded import DecodedImages, decoded_images
from edgeft_core.data.images import Picture, decode
from edgeft_core.errors import DataError
from tests.data.folders import picture, write_picture

PATHS = [f"{number}.png" for number in range(5)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, path in enumerate(PATHS):
        write_picture(tmp_path / "faces" / path, number)
    return tmp_path / "faces"


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are really decoded."""
    seen: list[str] = []

    def counted(path: Path, px: int) -> Picture:
        seen.append(path.name)
        return decode(path, px)

    monkeypatch.setattr(decoded, "decode", counted)
    return seen


def read(root: Path, cache: Path, paths: Sequence[str] = PATHS, px: int = 40) -> DecodedImages:
    return decoded_images(root, paths, px, cache=cache, what="Reading")


def all_pixels(images: DecodedImages) -> NDArray[np.uint8]:
    return images.read(np.arange(len(PATHS)))


def test_every_file_is_decoded_once_for_all_times(root: Path, tmp_path: Path, decodings: list[str]) -> None:
    first = read(root, tmp_path / "cache")
    again = read(root, tmp_path / "cache")
    assert sorted(decodings) == PATHS
    expected = np.stack([picture(number) for number in range(5)])
    np.testing.assert_array_equal(all_pixels(first), expected)
    np.testing.assert_array_equal(all_pixels(again), expected)
    assert again.facts == first.facts
    assert again.fingerprint == first.fingerprint


def test_only_changed_and_new_files_are_decoded_again(
    root: Path, tmp_path: Path, decodings: list[str]
) -> None:
    before = read(root, tmp_path / "cache").fingerprint
    decodings.clear()
    write_picture(root / "2.png", 22, width=44)
    write_picture(root / "5.png", 5)
    images = read(root, tmp_path / "cache", [*PATHS, "5.png"])
    assert sorted(decodings) == ["2.png", "5.png"]
    np.testing.assert_array_equal(images.read(np.array([1, 5])), np.stack([picture(1), picture(5)]))
    assert images.facts[2].width == 44
    assert images.fingerprint != before


def test_other_sizes_and_folders_do_not_meet(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(root, other)
    write_picture(other / "0.png", 77)
    assert read(root, tmp_path / "cache", px=20).read(np.array([0])).shape == (1, 20, 20, 3)
    np.testing.assert_array_equal(read(root, tmp_path / "cache").read(np.array([0]))[0], picture(0))
    np.testing.assert_array_equal(read(other, tmp_path / "cache").read(np.array([0]))[0], picture(77))


def test_progress_reaches_the_total(root: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    decoded_images(
        root,
        PATHS,
        40,
        cache=tmp_path / "cache",
        what="Reading images",
        progress=lambda *one: told.append(one),
    )
    assert told[-1] == ("Reading images", 5, 5)


def test_a_cache_cut_short_is_made_again(root: Path, tmp_path: Path, decodings: list[str]) -> None:
    read(root, tmp_path / "cache")
    pixels = next((tmp_path / "cache").rglob("pixels.u8"))
    pixels.write_bytes(pixels.read_bytes()[:-1])
    images = read(root, tmp_path / "cache")
    assert len(decodings) == 10
    np.testing.assert_array_equal(images.read(np.array([4]))[0], picture(4))


def test_a_manifest_of_rubbish_is_made_again(root: Path, tmp_path: Path) -> None:
    read(root, tmp_path / "cache")
    next((tmp_path / "cache").rglob("files.json")).write_text('[["half')
    np.testing.assert_array_equal(read(root, tmp_path / "cache").read(np.array([4]))[0], picture(4))


def test_without_a_place_for_the_cache_files_are_read_directly_and_it_is_said(
    root: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "cache"
    blocked.write_text("a file where the folder should be")
    images = read(root, blocked)
    assert "cannot be kept" in images.warning
    assert images.fingerprint == ""
    np.testing.assert_array_equal(images.read(np.array([3, 1])), np.stack([picture(3), picture(1)]))


def test_a_full_disk_is_noticed_before_anything_is_written(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    images = read(root, tmp_path / "cache")
    assert "are free" in images.warning
    assert not list((tmp_path / "cache").rglob("pixels.u8"))
    np.testing.assert_array_equal(images.read(np.array([0]))[0], picture(0))


def test_a_file_that_vanishes_while_the_run_goes_is_named(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "cache"
    blocked.write_text("")
    images = read(root, blocked)
    (root / "3.png").unlink()
    with pytest.raises(DataError, match=r"3\.png could be read when the run began"):
        images.read(np.array([3]))


def test_a_cache_that_is_cleared_while_the_run_goes_is_done_without(root: Path, tmp_path: Path) -> None:
    images = read(root, tmp_path / "cache")
    shutil.rmtree(tmp_path / "cache")
    np.testing.assert_array_equal(images.read(np.array([3]))[0], picture(3))


def test_images_travel_to_other_processes_without_their_pixels(root: Path, tmp_path: Path) -> None:
    images = read(root, tmp_path / "cache")
    images.read(np.array([0]))
    packed = pickle.dumps(images)
    assert len(packed) < 4000
    np.testing.assert_array_equal(pickle.loads(packed).read(np.array([2]))[0], picture(2))


def test_what_is_read_may_be_written_to(root: Path, tmp_path: Path) -> None:
    images = read(root, tmp_path / "cache")
    pixels = images.read(np.array([0]))
    pixels[:] = 0
    np.testing.assert_array_equal(images.read(np.array([0]))[0], picture(0))


def test_the_state_before_is_kept_and_older_ones_are_not(root: Path, tmp_path: Path) -> None:
    for trial in range(4):
        write_picture(root / "0.png", 50 + trial, width=30 + trial)
        read(root, tmp_path / "cache")
    assert len(list((tmp_path / "cache").rglob("pixels.u8"))) == 2
    assert not list((tmp_path / "cache").rglob("*.partial"))


@pytest.mark.slow
def test_two_processes_that_open_a_folder_at_once_both_get_it(root: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from edgeft_core.data.decoded import decoded_images\n"
        "paths = [f'{number}.png' for number in range(5)]\n"
        "images = decoded_images(Path(sys.argv[1]), paths, 40, cache=Path(sys.argv[2]), what='Reading')\n"
        "assert not images.warning, images.warning\n"
        "print(int(images.read(np.arange(5)).sum()))\n"
    )
    command = [sys.executable, "-c", code, str(root), str(tmp_path / "cache")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = [process.communicate(timeout=60)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sums == [str(sum(int(picture(number).sum()) for number in range(5)))] * 2
    assert len(list((tmp_path / "cache").rglob("pixels.u8"))) == 1
