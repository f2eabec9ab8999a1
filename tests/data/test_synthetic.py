"""Synthetic portraits: deterministic, different where they must be, hard in pixel space, and cached safely."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeft_core.data.synthetic import GENERATOR_VERSION, SyntheticCache, draw_faces, identity_name
from edgeft_core.data.synthetic import cache as cache_module

ROOT = Path(__file__).resolve().parents[2]


def digest(images: NDArray[np.uint8]) -> str:
    return hashlib.sha256(images.tobytes()).hexdigest()


def small_cache(folder: Path, seed: int = 0) -> SyntheticCache:
    return SyntheticCache(folder, identities=3, images_per_identity=2, seed=seed, px=32)


def all_positions(cache: SyntheticCache) -> NDArray[np.int64]:
    return np.arange(len(cache))


def expected_pictures() -> NDArray[np.uint8]:
    return draw_faces([0, 0, 1, 1, 2, 2], [0, 1] * 3, px=32)


@pytest.mark.parametrize("px", [16, 56, 112, 224, 400])
def test_pictures_have_the_requested_size_and_are_rgb_bytes(px: int) -> None:
    images = draw_faces([0, 3], [1, 2], px=px)
    assert images.shape == (2, px, px, 3)
    assert images.dtype == np.uint8


def test_no_identities_give_an_empty_batch() -> None:
    assert draw_faces([], []).shape == (0, 112, 112, 3)


def test_the_same_seed_gives_the_same_pixels() -> None:
    assert digest(draw_faces([5, 6], [0, 1])) == digest(draw_faces([5, 6], [0, 1]))


def test_another_process_draws_the_same_pixels() -> None:
    code = (
        "import hashlib; from edgeft_core.data.synthetic import draw_faces;"
        "print(hashlib.sha256(draw_faces([5, 6], [0, 1]).tobytes()).hexdigest())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == digest(draw_faces([5, 6], [0, 1]))


def test_a_picture_does_not_depend_on_its_batch() -> None:
    batch = draw_faces([9, 4, 7, 4], [3, 1, 0, 2])
    for row, (identity, index) in enumerate([(9, 3), (4, 1), (7, 0), (4, 2)]):
        assert np.array_equal(batch[row], draw_faces([identity], [index])[0])


def test_seeds_identities_and_indices_give_different_pictures() -> None:
    pictures = [
        draw_faces([1], [1], seed=0),
        draw_faces([1], [1], seed=1),
        draw_faces([2], [1]),
        draw_faces([1], [2]),
    ]
    assert len({digest(picture) for picture in pictures}) == 4


def test_pictures_are_neither_flat_nor_blown_out() -> None:
    images = draw_faces(np.arange(40), np.zeros(40, int)).astype(np.float32)
    assert images.std(axis=(1, 2, 3)).min() > 8
    assert np.median((images >= 254).mean(axis=(1, 2, 3))) < 0.1


@pytest.mark.parametrize(
    ("identities", "indices", "px"), [([1], [1, 2], 112), ([-1], [0], 112), ([0], [-1], 112), ([0], [0], 8)]
)
def test_impossible_requests_are_refused(identities: list[int], indices: list[int], px: int) -> None:
    with pytest.raises(ValueError, match=r"identities|px"):
        draw_faces(identities, indices, px=px)


def test_names_are_padded_to_four_digits() -> None:
    assert [identity_name(7), identity_name(12345)] == ["person_0007", "person_12345"]


def test_drawing_needs_no_torch() -> None:
    code = "import sys, edgeft_core.data.synthetic; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_cache_returns_what_draw_faces_draws_and_remembers_it(tmp_path: Path) -> None:
    cache = small_cache(tmp_path)
    assert len(cache) == 6
    assert cache.drawn_count() == 0
    assert np.array_equal(cache.read(np.array([5, 0, 5])), expected_pictures()[[5, 0, 5]])
    assert cache.missing().tolist() == [1, 2, 3, 4]
    again = small_cache(tmp_path)
    assert again.drawn_count() == 2
    assert np.array_equal(again.read(all_positions(again)), expected_pictures())
    assert cache.drawn_count() == 6


def test_a_second_reading_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = small_cache(tmp_path)
    cache.read(all_positions(cache))
    monkeypatch.setattr(
        cache_module, "draw_faces", lambda *_, **__: pytest.fail("drew a picture that was there")
    )
    assert np.array_equal(cache.read(all_positions(cache)), expected_pictures())


def test_settings_and_generator_version_choose_the_file(tmp_path: Path) -> None:
    assert small_cache(tmp_path).path != small_cache(tmp_path, seed=1).path
    assert f"v{GENERATOR_VERSION}_" in small_cache(tmp_path).path.name


def test_positions_outside_the_data_set_are_refused(tmp_path: Path) -> None:
    for position in (-1, 6):
        with pytest.raises(IndexError, match=r"0\.\.5"):
            small_cache(tmp_path).read(np.array([position]))


def test_a_truncated_file_is_replaced(tmp_path: Path) -> None:
    cache = small_cache(tmp_path)
    cache.read(all_positions(cache))
    path = cache.path
    cache.close()
    os.truncate(path, 1000)
    mended = small_cache(tmp_path)
    assert mended.drawn_count() == 0
    assert np.array_equal(mended.read(all_positions(mended)), expected_pictures())


def test_a_picture_with_damaged_pixels_is_drawn_again(tmp_path: Path) -> None:
    cache = small_cache(tmp_path)
    cache.read(all_positions(cache))
    with cache.path.open("r+b") as file:
        file.seek(100)
        file.write(b"\x01\x02\x03\x04")
    assert np.array_equal(small_cache(tmp_path).read(np.array([0])), expected_pictures()[:1])


def test_pixels_without_their_mark_do_not_count(tmp_path: Path) -> None:
    """What a process leaves that was killed between writing the pixels and the mark."""
    cache = small_cache(tmp_path)
    with cache.path.open("r+b") as file:
        file.write(b"\x7f" * 32 * 32 * 3)
    assert cache.drawn_count() == 0
    assert np.array_equal(cache.read(np.array([0])), expected_pictures()[:1])


def test_two_writers_share_one_file(tmp_path: Path) -> None:
    caches = [small_cache(tmp_path), small_cache(tmp_path)]
    results: list[NDArray[np.uint8]] = []
    threads = [
        threading.Thread(target=lambda cache=cache: results.append(cache.read(all_positions(cache))))
        for cache in caches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert all(np.array_equal(result, expected_pictures()) for result in results)
    assert small_cache(tmp_path).drawn_count() == 6


def test_a_folder_that_cannot_be_made_is_said_once_and_pictures_still_come(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        cache = small_cache(tmp_path / "file" / "cache")
        for _ in range(2):
            assert np.array_equal(cache.read(all_positions(cache)), expected_pictures())
    assert cache.drawn_count() == 6
    assert len(caplog.records) == 1


def test_a_full_disk_is_said_once_and_pictures_still_come(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    cache = small_cache(tmp_path)
    monkeypatch.setattr(cache, "_write_at", refuse)
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(cache.read(all_positions(cache)), expected_pictures())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "No space left" in caplog.text
    assert small_cache(tmp_path).drawn_count() == 0


def test_a_cache_that_may_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = small_cache(tmp_path)
    filled.read(np.array([0, 1]))
    real_open = os.open

    def open_read_only(path: str, flags: int, *rest: int) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags, *rest)

    monkeypatch.setattr(os, "open", open_read_only)
    cache = small_cache(tmp_path)
    assert cache.drawn_count() == 2
    assert np.array_equal(cache.read(all_positions(cache)), expected_pictures())


def _nearest_neighbour_top1(images_ISF: NDArray[np.float32], gallery_shots: int) -> float:
    """Share of probes (shots 8..11) whose nearest gallery picture is of the same identity; input (I, 12, F)."""
    people = images_ISF.shape[0]
    gallery = images_ISF[:, :gallery_shots].reshape(people * gallery_shots, -1)
    probes = images_ISF[:, 8:].reshape(people * 4, -1)
    distance = (gallery * gallery).sum(axis=1) - 2 * probes @ gallery.T
    found = distance.argmin(axis=1) // gallery_shots
    return float((found == np.repeat(np.arange(people), 4)).mean())


@pytest.mark.slow
def test_comparing_raw_pixels_does_not_recognise_people() -> None:
    people, shots = 518, 12
    images = draw_faces(np.repeat(np.arange(people), shots), np.tile(np.arange(shots), people), px=56)
    flat: NDArray[np.float32] = images.reshape(people, shots, -1).astype(np.float32)
    flat /= np.float32(255)
    assert _nearest_neighbour_top1(flat, gallery_shots=1) < 0.40
    assert _nearest_neighbour_top1(flat, gallery_shots=8) < 0.40
    flat -= flat.mean(axis=2, keepdims=True)
    flat /= np.linalg.norm(flat, axis=2, keepdims=True)
    assert _nearest_neighbour_top1(flat, gallery_shots=8) < 0.40
