"""Folders of drawn faces on disk, for checks that look at files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from edgeft_core.config import DataConfig, RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.data import open_dataset
from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.report import PreflightReport

PX = 64


def write_faces(root: Path, cache: Path, *, identities: int, images: int, seed: int = 5) -> Path:
    """``root/<person>/<n>.png`` with drawn faces, all different."""
    config = DataConfig(identities=identities, images_per_identity=images, image_px=PX)
    dataset = open_dataset(config, seed=seed, cache=cache)
    pixels = dataset.read_hr(np.arange(len(dataset)))
    for index, face in enumerate(pixels):
        path = root / f"{dataset.item_id(index)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face).save(path)
    return root


def copy_of(faces: Path, target: Path) -> Path:
    """A folder of one's own to spoil."""
    shutil.copytree(faces, target)
    return target


def config_for(folder: Path, **values: object) -> RunConfig:
    """The default settings on a folder, with a random backbone that is trained."""
    base = {"data.source": str(folder), "data.image_px": PX, "backbone.weights": "none", "data.workers": 0}
    return with_values(
        RunConfig(), {**base, **{key.replace("__", "."): value for key, value in values.items()}}
    )


def found(report: PreflightReport, check: str) -> Finding:
    """The finding of a check; fails with what was found instead."""
    for one in report.findings:
        if one.check == check:
            return one
    raise AssertionError(f"no {check} among {[one.check for one in report.findings]}")
