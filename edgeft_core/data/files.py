"""A listing of files made into a data set: what can be read, who is in it, which part each image belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeft_core.config import DataConfig
from edgeft_core.data.dataset import FaceDataset, Origins
from edgeft_core.data.decoded import DecodedImages, Progress, decoded_images
from edgeft_core.data.images import IntArray
from edgeft_core.data.listing import FaceFile, Listing, readable
from edgeft_core.data.splits import Splits, own_split, stratified
from edgeft_core.errors import DataError

_NAMED = 5  # so many files or identities are named in a message


def dataset_of_files(
    listing: Listing, config: DataConfig, *, seed: int, cache: Path, progress: Progress | None = None
) -> FaceDataset:
    """Decode (or find decoded) every file, group by identity and split.

    Raises:
        DataError: too many unreadable files, fewer than two identities, or a split that cannot be scored.
    """
    high = decoded_images(
        listing.root,
        [file.path for file in listing.files],
        config.image_px,
        cache=cache,
        what="Reading images",
        progress=progress,
    )
    skipped = _unreadable(listing, high, config)
    rows = [row for row, facts in enumerate(high.facts) if not facts.reason]
    people = _people(listing, rows)
    items = [readable(listing.files[row].path) for row in people.rows]
    splits = _split(listing, people, items, config, seed)
    twins = _low_resolution(listing, people, config, cache, progress)
    rows_N = np.array(people.rows, dtype=np.int64)
    warnings = (*listing.warnings, *people.warnings, *splits.warnings, high.warning, *twins.warnings)
    return FaceDataset(
        class_names=people.names,
        items=tuple(items),
        labels_N=people.labels_N,
        splits=splits.indices,
        image_px=config.image_px,
        low_res_px=config.low_res_px,
        high=high,
        high_rows_N=rows_N,
        low=twins.images,
        low_rows_N=twins.rows_N,
        notes=(*listing.notes, *splits.notes),
        warnings=tuple(text for text in warnings if text),
        skipped=(*skipped, *twins.skipped),
        origins=_origins(high, rows_N),
    )


def _unreadable(listing: Listing, images: DecodedImages, config: DataConfig) -> tuple[tuple[str, str], ...]:
    skipped = tuple(
        (readable(file.path), facts.reason)
        for file, facts in zip(listing.files, images.facts, strict=True)
        if facts.reason
    )
    share = len(skipped) / len(listing.files)
    if share > config.max_unreadable_fraction or len(skipped) == len(listing.files):
        named = "; ".join(f"{path}: {reason}" for path, reason in skipped[:_NAMED])
        more = f"; and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else ""
        raise DataError(
            f"{len(skipped)} of {len(listing.files)} images in {listing.root} cannot be read ({share:.0%}, "
            f"allowed are {config.max_unreadable_fraction:.0%}): {named}{more}. Repair or remove them, "
            "or raise data.max_unreadable_fraction."
        )
    return skipped


@dataclass(frozen=True)
class _People:
    """Identities by sorted name, and the files of each."""

    names: tuple[str, ...]
    rows: list[int]
    labels_N: IntArray
    warnings: tuple[str, ...]


def _people(listing: Listing, rows: Sequence[int]) -> _People:
    """Labels by sorted name. With a split of the data's own, classes are the identities that are trained on."""
    files = [listing.files[row] for row in rows]
    owns_split = any(file.split for file in listing.files)
    everyone = {file.identity for file in listing.files}
    trained = {file.identity for file in files if not owns_split or file.split == "train"}
    warnings = []
    gone = sorted(everyone - {file.identity for file in files})
    if gone:
        warnings.append(f"{_identities(gone)} without any readable image left out.")
    strangers = sorted({file.identity for file in files} - trained)
    if owns_split:
        _require_overlap(listing.root, trained, files)
    if strangers:
        lost = sum(file.identity in strangers for file in files)
        warnings.append(
            f"{_identities(strangers)} not in the training part: {lost} images cannot be scored and are left out."
        )
    if len(trained) < 2:
        raise DataError(_too_few(listing.root, trained))
    names = tuple(sorted(trained))
    label = {name: place for place, name in enumerate(names)}
    kept = [row for row, file in zip(rows, files, strict=True) if file.identity in label]
    labels = [label[listing.files[row].identity] for row in kept]
    return _People(names, kept, np.array(labels, dtype=np.int64), tuple(warnings))


def _identities(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return f"{len(names)} {'identity' if len(names) == 1 else 'identities'} ({shown})"


def _require_overlap(root: Path, trained: set[str], files: Sequence[FaceFile]) -> None:
    scored = {file.identity for file in files if file.split != "train"}
    if trained & scored:
        return
    raise DataError(
        f"The training part of {root} and the parts to score on share no identity (for instance "
        f"{min(trained, default='none')} and {min(scored, default='none')}): a classifier cannot be scored on people "
        "it never saw. Check the names, or give the training folder alone as data.source: it is then split by itself."
    )


def _too_few(root: Path, names: set[str]) -> str:
    only = next(iter(names), None)
    if only is None:
        return f"No identity in {root} has an image to train on."
    hint = ""
    folder = root / only
    if folder.is_dir() and sum(one.is_dir() for one in folder.iterdir()) > 1:
        hint = f" Did you mean {folder}?"
    return f"{root} holds one identity only ({only}); telling people apart needs at least two.{hint}"


def _split(listing: Listing, people: _People, items: Sequence[str], config: DataConfig, seed: int) -> Splits:
    parts = [listing.files[row].split for row in people.rows]
    if any(parts):
        splits = own_split(parts, items, people.labels_N, seed=seed)
    else:
        splits = stratified(
            items,
            people.labels_N,
            seed=seed,
            validation_fraction=config.validation_fraction,
            test_fraction=config.test_fraction,
        )
    if not len(splits.indices["validation"]):
        raise DataError(
            f"No identity in {listing.root} has a second image, so nothing is left to validate on: "
            "each identity needs at least two images, better three."
        )
    return splits


@dataclass(frozen=True)
class _Twins:
    """Low-resolution files: their pixels, each image's row in them (-1: made), and what went wrong."""

    images: DecodedImages | None = None
    rows_N: IntArray | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()


def _low_resolution(
    listing: Listing, people: _People, config: DataConfig, cache: Path, progress: Progress | None
) -> _Twins:
    files = [listing.files[row] for row in people.rows]
    paths = sorted({file.low_res for file in files if file.low_res})
    if not paths:
        return _Twins()
    px = config.low_res_px
    images = decoded_images(
        listing.root, paths, px, cache=cache, what="Reading low-resolution images", progress=progress
    )
    place = {path: row for row, path in enumerate(paths) if not images.facts[row].reason}
    rows_N = np.array([place.get(file.low_res or "", -1) for file in files], dtype=np.int64)
    broken = tuple(
        (readable(path), f"{facts.reason}; made from the high-resolution image instead")
        for path, facts in zip(paths, images.facts, strict=True)
        if facts.reason
    )
    other = sum(not facts.reason and (facts.width, facts.height) != (px, px) for facts in images.facts)
    resized = f"{other} low-resolution image(s) are not {px} x {px} px and were resized." if other else ""
    return _Twins(images, rows_N, broken, (images.warning, resized))


def _origins(images: DecodedImages, rows_N: IntArray) -> Origins:
    facts = [images.facts[row] for row in rows_N]
    return Origins(
        sizes_N2=np.array([(one.width, one.height) for one in facts], dtype=np.int32).reshape(-1, 2),
        grey_N=np.array([one.grey for one in facts], dtype=np.bool_),
    )
