"""Decoding: every kind of file that people have comes out as a square RGB face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeft_core.data.images import UnreadableImageError, decode, shrink
from tests.data.folders import picture, write_picture


@pytest.mark.parametrize("ending", [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".PNG", ".JPG"])
def test_colour_files_of_every_format_come_out_as_they_went_in(tmp_path: Path, ending: str) -> None:
    path = write_picture(tmp_path / f"face{ending}", 1)
    out = decode(path, 40)
    assert out.pixels.shape == (40, 40, 3)
    assert out.pixels.dtype == np.uint8
    assert not out.grey
    loss = np.abs(out.pixels.astype(int) - picture(1)).mean()
    assert loss < (1e-9 if ending.lower() in {".png", ".bmp"} else 6)


def test_a_grey_pgm_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = picture(2)[..., 0]
    Image.fromarray(grey).save(tmp_path / "a.pgm")
    out = decode(tmp_path / "a.pgm", 40)
    assert out.grey
    np.testing.assert_array_equal(out.pixels, np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize("ending", [".png", ".pgm"])
def test_sixteen_bit_files_keep_their_high_byte(tmp_path: Path, ending: str) -> None:
    grey = picture(3)[..., 0]
    deep = grey.astype(np.uint16) * 257
    path = tmp_path / f"deep{ending}"
    if ending == ".png":
        Image.fromarray(deep).save(path)
    else:
        path.write_bytes(b"P5 40 40 65535\n" + deep.astype(">u2").tobytes())
    np.testing.assert_array_equal(decode(path, 40).pixels[..., 0], grey)


def test_a_cmyk_jpeg_shows_its_colours(tmp_path: Path) -> None:
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    assert np.abs(decode(tmp_path / "print.jpg", 40).pixels.astype(int) - red).max() < 12


def test_transparency_shows_neutral_grey(tmp_path: Path) -> None:
    layers = np.zeros((40, 40, 4), np.uint8)
    layers[:20] = (250, 10, 10, 255)
    layers[20:] = (0, 255, 0, 0)
    Image.fromarray(layers).save(tmp_path / "cut.png")
    pixels = decode(tmp_path / "cut.png", 40).pixels
    assert pixels[5, 5].tolist() == [250, 10, 10]
    assert pixels[35, 5].tolist() == [128, 128, 128]


def test_a_palette_with_a_transparent_entry_is_read(tmp_path: Path) -> None:
    image = Image.fromarray(picture(4)).quantize(8)
    image.save(tmp_path / "palette.png", transparency=0)
    plain = np.asarray(image.convert("RGB"))
    pixels = decode(tmp_path / "palette.png", 40).pixels
    clear = np.asarray(image) == 0
    assert (pixels[clear] == 128).all()
    np.testing.assert_array_equal(pixels[~clear], plain[~clear])


def test_a_turned_phone_photo_is_set_upright(tmp_path: Path) -> None:
    image = Image.fromarray(picture(5))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    image.save(tmp_path / "phone.png", exif=exif)
    np.testing.assert_array_equal(decode(tmp_path / "phone.png", 40).pixels, np.rot90(picture(5), -1))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_block_costs_no_picture(tmp_path: Path) -> None:
    Image.fromarray(picture(9)).save(tmp_path / "odd.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\0")
    assert decode(tmp_path / "odd.jpg", 40).pixels.shape == (40, 40, 3)


def test_a_tall_picture_is_fitted_and_its_border_repeated(tmp_path: Path) -> None:
    write_picture(tmp_path / "tall.png", 6, width=92, height=112)
    out = decode(tmp_path / "tall.png", 112)
    assert (out.width, out.height) == (92, 112)
    np.testing.assert_array_equal(out.pixels[:, 10:102], picture(6, width=92, height=112))
    np.testing.assert_array_equal(out.pixels[:, 0], out.pixels[:, 10])
    np.testing.assert_array_equal(out.pixels[:, 111], out.pixels[:, 101])


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".bmp"])
def test_a_truncated_file_is_unreadable(tmp_path: Path, ending: str) -> None:
    path = write_picture(tmp_path / f"face{ending}", 7, width=200, height=200)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableImageError):
        decode(path, 40)


def test_text_under_a_picture_name_is_unreadable_and_said_to_be_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    path.write_text("hello")
    with pytest.raises(UnreadableImageError, match="not a png"):
        decode(path, 40)


def test_an_empty_and_a_missing_file_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    for name in ("empty.jpg", "gone.jpg"):
        with pytest.raises(UnreadableImageError):
            decode(tmp_path / name, 40)


def test_a_picture_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    header = b"P5 60000 60000 255\n"
    (tmp_path / "bomb.pgm").write_bytes(header + b"\0" * 100)
    with pytest.raises(UnreadableImageError):
        decode(tmp_path / "bomb.pgm", 40)


def test_random_bytes_behind_a_real_header_never_raise_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for ending in (".png", ".jpg", ".webp", ".bmp"):
        whole = write_picture(tmp_path / f"face{ending}", 8).read_bytes()
        for trial in range(15):
            broken = bytearray(whole)
            for place in rng.integers(8, len(whole), 20):
                broken[place] = int(rng.integers(0, 256))
            path = tmp_path / f"broken{trial}{ending}"
            path.write_bytes(bytes(broken))
            try:
                assert decode(path, 40).pixels.shape == (40, 40, 3)
            except UnreadableImageError as error:
                assert str(error)


def test_reduction_averages_instead_of_picking_pixels() -> None:
    board = np.zeros((1, 112, 112, 3), np.uint8)
    board[:, ::2] = 255
    small = shrink(board, 16)
    assert small.shape == (1, 16, 16, 3)
    assert np.abs(small.astype(int) - 127).max() <= 8  # picking would give 0 or 255
