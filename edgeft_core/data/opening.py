"""From DataConfig to FaceDataset: drawn people, or a folder in one of the layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgeft_core.config import DataConfig
from edgeft_core.data.dataset import FaceDataset
from edgeft_core.data.decoded import Progress
from edgeft_core.data.drawn import DrawnPeople
from edgeft_core.data.files import dataset_of_files
from edgeft_core.data.folder import list_folder
from edgeft_core.data.listing import Listing, find_root
from edgeft_core.data.paired import is_paired, list_pairs
from edgeft_core.data.splits import stratified
from edgeft_core.data.synthetic import identity_name

LAYOUTS: dict[str, Callable[[Path, int], Listing]] = {"folder": list_folder, "paired": list_pairs}


def open_dataset(
    config: DataConfig, *, seed: int, cache: Path, progress: Progress | None = None
) -> FaceDataset:
    """The data set that a config asks for; the same config, files and seed give the same one.

    Args:
        seed: of drawn people and of splits.
        cache: folder for decoded and drawn images; may be deleted at any time.
        progress: told ``(what, done, total)`` while files are decoded for the first time.

    Raises:
        DataError: no such folder, no images, fewer than two identities, too many unreadable files, or a split
            that cannot be scored.
    """
    if config.source.strip() == "synthetic":
        return _drawn(config, seed, cache)
    root = find_root(config.source)
    listing = LAYOUTS["paired" if is_paired(root) else "folder"](root, config.low_res_px)
    return dataset_of_files(listing, config, seed=seed, cache=cache, progress=progress)


def _drawn(config: DataConfig, seed: int, cache: Path) -> FaceDataset:
    per_identity = config.images_per_identity
    people = np.array([identity_name(i) for i in range(config.identities)])
    order = np.argsort(
        people, kind="stable"
    )  # labels follow sorted names; person_10000 sorts before person_2000
    names = tuple(str(name) for name in people[order])
    items = tuple(f"{name}/{image:02d}" for name in names for image in range(per_identity))
    labels_N = np.repeat(np.arange(config.identities, dtype=np.int64), per_identity)
    rows_N = (order[:, None] * per_identity + np.arange(per_identity)).reshape(-1).astype(np.int64)
    splits = stratified(
        items,
        labels_N,
        seed=seed,
        validation_fraction=config.validation_fraction,
        test_fraction=config.test_fraction,
    )
    source = DrawnPeople(
        cache / "synthetic",
        identities=config.identities,
        images_per_identity=per_identity,
        seed=seed,
        px=config.image_px,
    )
    return FaceDataset(
        class_names=names,
        items=items,
        labels_N=labels_N,
        splits=splits.indices,
        image_px=config.image_px,
        low_res_px=config.low_res_px,
        high=source,
        high_rows_N=rows_N,
        notes=(
            f"{len(items):,} faces of {len(names):,} people are drawn; low-resolution images are made from them.",
        ),
        warnings=splits.warnings,
    )
