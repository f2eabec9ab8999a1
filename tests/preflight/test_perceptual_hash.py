"""Same pictures are found however they were saved again; different pictures are not mistaken for them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgeft_core.data.perceptual_hash import Fingerprints, fingerprints, same_pictures, thumbnails
from tests.data.folders import picture

Pixels = NDArray[np.uint8]


def pictures(n: int, *, px: int = 112, first: int = 1) -> Pixels:
    return np.stack([picture(first + number, width=px, height=px) for number in range(n)])


def prints_of(*images: Pixels) -> Fingerprints:
    return fingerprints(images)


def pairs(prints: Fingerprints, at_most: int = 1000) -> list[tuple[int, int]]:
    found = same_pictures(prints, at_most=at_most)
    return [(int(one), int(other)) for one, other in found]


def saved_again(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def test_thumbnails_are_area_means_of_luma() -> None:
    pixels = np.zeros((1, 64, 64, 3), np.uint8)
    pixels[0, :2, :2] = (100, 50, 200)
    pixels[0, :2, 2:4] = (10, 10, 10)
    expected = 0.299 * 100 + 0.587 * 50 + 0.114 * 200
    small = thumbnails(pixels)
    assert small.shape == (1, 32, 32)
    assert small[0, 0, 0] == pytest.approx(expected, abs=1e-3)
    assert small[0, 0, 1] == pytest.approx(10.0, abs=1e-3)
    assert small[0, 5:, 5:].max() == 0.0


def test_thumbnails_of_odd_sizes_weigh_pixels_by_their_share_of_the_area() -> None:
    row = np.linspace(0, 255, 112).astype(np.uint8)
    pixels = np.broadcast_to(row[None, None, :, None], (1, 112, 112, 3)).copy()
    small = thumbnails(pixels)[0, 0]
    slow = np.array(
        [np.repeat(row.astype(float), 32)[cell * 112 : (cell + 1) * 112].mean() for cell in range(32)]
    )
    np.testing.assert_allclose(small, slow, atol=1e-3)


def test_different_pictures_make_no_pair() -> None:
    assert pairs(prints_of(pictures(200))) == []


@pytest.mark.parametrize("quality", [50, 90])
def test_a_picture_saved_again_is_the_same(quality: int) -> None:
    originals = pictures(20)
    again = np.stack([saved_again(one, quality) for one in originals])
    assert pairs(prints_of(originals, again)) == [(number, number + 20) for number in range(20)]


def test_a_picture_that_was_reduced_and_enlarged_is_the_same() -> None:
    originals = pictures(5)
    small = [Image.fromarray(one).resize((64, 64)).resize((112, 112)) for one in originals]
    assert pairs(prints_of(originals, np.stack([np.asarray(one) for one in small]))) == [
        (n, n + 5) for n in range(5)
    ]


def test_a_brighter_copy_is_the_same() -> None:
    original = pictures(1)
    brighter = np.clip(original.astype(int) // 2 + 60, 0, 255).astype(np.uint8)
    assert pairs(prints_of(original, brighter)) == [(0, 1)]


def test_pairs_are_found_across_chunks_and_blocks() -> None:
    many = pictures(1500, px=32)
    many[1400] = many[3]
    chunks = [many[start : start + 256] for start in range(0, 1500, 256)]
    assert pairs(fingerprints(chunks)) == [(3, 1400)]


def test_flat_pictures_are_left_out_of_pairs_and_have_no_spread() -> None:
    flat = np.stack([np.full((112, 112, 3), level, np.uint8) for level in (0, 17, 128, 255)])
    prints = prints_of(flat)
    assert pairs(prints) == []
    assert prints.std_N.max() < 1e-4
    assert prints.distinct() == 1


def test_the_search_stops_at_the_limit() -> None:
    same = np.repeat(pictures(1), 30, axis=0)
    assert len(pairs(prints_of(same), at_most=50)) == 50


def test_no_images_give_no_fingerprints() -> None:
    prints = fingerprints([])
    assert len(prints) == 0
    assert pairs(prints) == []
