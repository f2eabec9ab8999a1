"""Small real folders of images for the tests of this package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def picture(number: int, *, width: int = 40, height: int = 40) -> NDArray[np.uint8]:
    """A smooth colour picture (height, width, 3) that no other number gives."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def write_picture(path: Path, number: int, *, width: int = 40, height: int = 40) -> Path:
    """Save that picture in the format that the file's ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(number, width=width, height=height)).save(path)
    return path


def write_identities(root: Path, images: Mapping[str, int], ending: str = ".png") -> Path:
    """``root/<identity>/<number>.png`` with so many images each."""
    number = sum(path.is_file() for path in root.rglob("*")) if root.exists() else 0
    for identity, count in images.items():
        for image in range(count):
            number += 1
            write_picture(root / identity / f"{image}{ending}", number)
    return root


def write_pairs(root: Path, part: str, identities: int, images: int, *, low_res_px: int | None = 32) -> None:
    """``root/<part>/hr_images/<id>_<n>.png`` and, if asked for, twins that can be told from reduced images."""
    for identity in range(identities):
        for image in range(images):
            name = f"id{identity:02d}_{part}{image}.png"
            write_picture(root / part / "hr_images" / name, 1000 * identity + image, width=112, height=112)
            if low_res_px:
                low = root / part / f"vlr_images_{low_res_px}x{low_res_px}" / name
                write_picture(low, 7000 + 1000 * identity + image, width=low_res_px, height=low_res_px)
