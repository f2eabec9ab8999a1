"""One image file -> one square uint8 RGB picture.

Whatever the file holds (grey, palette, transparency, 16 bit, CMYK, a turned phone photo) comes out as
(px, px, 3) uint8. A picture that is not square is fitted into the square and its border pixels are repeated:
stretching would change the proportions by which people are told apart, and the middle square would cut chins
off (AT&T faces, 92 x 112: nearest neighbour in pixels 96.8 % fitted, 96.5 % stretched, 94.8 % cut).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError, WebPImagePlugin

Pixels = NDArray[np.uint8]
IntArray = NDArray[np.int64]

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".pgm"})
# Remarks about odd files (a broken EXIF block, a large picture) are not for the user's terminal. Set once for the
# process: filters that are changed and restored around a decoding would race with other threads' filters.
warnings.filterwarnings("ignore", module=r"PIL\.")
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "PPM")
Image.preinit()  # before threads decode; WebP is registered by its import above
assert WebPImagePlugin.WebPImageFile.format in Image.OPEN
_LARGEST_PIXELS = 100_000_000  # a decoded picture above this would need 300 MB for a face of 112 px
_NEUTRAL = (128, 128, 128)  # what shows through transparency: 0 after normalisation


class UnreadableImageError(Exception):
    """The file is no picture that can be decoded; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded face and what its file held.

    Attributes:
        pixels: (px, px, 3) uint8.
        width, height: of the file, before cutting and scaling.
        grey: no pixel has a colour.
    """

    pixels: Pixels
    width: int
    height: int
    grey: bool


class Faces(Protocol):
    """What :func:`open_face` needs: a :class:`~edgeft_core.data.dataset.FaceDataset`."""

    def index_of(self, item_id: str) -> int: ...
    def read_hr(self, indices: IntArray | list[int]) -> Pixels: ...


def open_face(dataset: Faces, item_id: str) -> Pixels:
    """One face of a data set as (px, px, 3) uint8.

    Raises:
        DataError: no such item, or its file can no longer be read.
    """
    picture: Pixels = dataset.read_hr([dataset.index_of(item_id)])[0]
    return picture


def decode(path: Path, px: int) -> Picture:
    """Read a file as a square face of ``px``.

    Raises:
        UnreadableImageError: not an image, truncated, too large, or gone.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > _LARGEST_PIXELS:
                raise UnreadableImageError(f"too large ({image.width} x {image.height} px)")
            width, height = image.size
            image.draft(None, (2 * px, 2 * px))  # a JPEG photo is decoded at a fraction of its size
            return _picture(ImageOps.exif_transpose(image), px, width, height)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not a png, jpg, webp, bmp or pgm picture") from error
    except OSError as error:
        raise UnreadableImageError((error.strerror or str(error)).lower()) from error
    except Exception as error:  # decoders raise ValueError, SyntaxError, struct.error ... on malformed bytes
        raise UnreadableImageError(str(error) or type(error).__name__) from error


def _picture(image: Image.Image, px: int, width: int, height: int) -> Picture:
    pixels = _square(np.asarray(ImageOps.contain(_rgb(image), (px, px), Image.Resampling.BICUBIC)), px)
    grey = bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all())
    return Picture(pixels, width, height, grey)


def _square(pixels_HWC: Pixels, px: int) -> Pixels:
    """Repeat the border up to a square."""
    missing = [px - pixels_HWC.shape[0], px - pixels_HWC.shape[1]]
    around = [(one // 2, one - one // 2) for one in missing]
    return np.pad(pixels_HWC, [*around, (0, 0)], mode="edge") if any(missing) else pixels_HWC


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: 16-bit values keep their high byte, transparency shows neutral grey."""
    if image.mode.startswith(("I", "F")):
        deep = np.asarray(image, dtype=np.float64)
        return Image.fromarray(np.clip(deep / 257.0 + 0.5, 0, 255).astype(np.uint8), "L").convert("RGB")
    if image.mode in {"LA", "La", "RGBA", "RGBa", "PA"} or "transparency" in image.info:
        layers = image.convert("RGBA")
        ground = Image.new("RGBA", layers.size, (*_NEUTRAL, 255))
        return Image.alpha_composite(ground, layers).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def shrink(pixels_NHWC: Pixels, px: int) -> Pixels:
    """Low-resolution twins (N, px, px, 3) of faces (N, H, W, 3), by antialiased bicubic reduction."""
    small = np.empty((len(pixels_NHWC), px, px, 3), dtype=np.uint8)
    for place, pixels in enumerate(pixels_NHWC):
        small[place] = np.asarray(Image.fromarray(pixels).resize((px, px), Image.Resampling.BICUBIC))
    return small
