"""How many images of whom, and what batches are made of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeft_core.diagnostics.case import Finding
from edgeft_core.diagnostics.class_counts import effective_classes, max_class_share
from edgeft_core.preflight.report import Passed, listed
from edgeft_core.preflight.subject import Subject
from edgeft_core.preflight.thresholds import (
    FEW_IMAGES_PER_IDENTITY,
    IMBALANCE_EFFECTIVE_SHARE,
    IMBALANCE_FAIR_SHARES,
    IMBALANCE_LARGEST_SHARE,
)

_BATCHES = 200


def imbalance(subject: Subject) -> Iterator[Finding | Passed]:
    """Is the label distribution so skewed that guessing the largest identity pays?"""
    counts_C = subject.data.label_counts("train")
    n_classes = len(counts_C)
    effective, largest = effective_classes(counts_C), max_class_share(counts_C)
    values = {
        "identities": n_classes,
        "effective_identities": effective,
        "largest_share": largest,
        "smallest": float(counts_C.min()),
        "largest": float(counts_C.max()),
    }
    skewed = effective < IMBALANCE_EFFECTIVE_SHARE * n_classes
    dominated = largest >= IMBALANCE_LARGEST_SHARE and largest * n_classes >= IMBALANCE_FAIR_SHARES
    seen = (
        f"{int(counts_C.sum())} training images of {n_classes} identities, {counts_C.min()} to {counts_C.max()} "
        f"each; the largest has {largest:.1%} (even: {1 / n_classes:.1%})"
    )
    if not skewed and not dominated:
        yield Passed("data.imbalance", f"{seen}.", values)
        return
    name = subject.data.class_names[int(counts_C.argmax())]
    yield Finding(
        "data.imbalance",
        "warning",
        f"{seen}, as if there were {effective:.0f} identities only: predictions will follow {name} and other large "
        "ones. Take fewer images of the large identities, or more of the small.",
        cause="data.imbalance",
        values=values,
        examples=tuple(
            f"{subject.data.class_names[label]}: {counts_C[label]}" for label in np.argsort(-counts_C)[:3]
        ),
    )


def few_images(subject: Subject) -> Iterator[Finding | Passed]:
    """Identities without training images, or with a single one."""
    counts_C = subject.data.label_counts("train")
    empty = np.flatnonzero(counts_C == 0)
    single = int((counts_C < FEW_IMAGES_PER_IDENTITY).sum()) - len(empty)
    values = {"without": len(empty), "single": single}
    if len(empty):
        names = [subject.data.class_names[label] for label in empty]
        yield Finding(
            "data.few_images",
            "warning",
            f"{len(empty)} of {len(counts_C)} identities have no training image ({listed(names)}): they can be "
            "predicted but never learned. Remove them or give them images.",
            cause="labels.out_of_range",
            values=values,
            examples=tuple(names[:5]),
        )
    elif single:
        yield Finding(
            "data.few_images",
            "info",
            f"{single} of {len(counts_C)} identities have a single training image; their accuracy will stay low.",
            values=values,
        )
    else:
        yield Passed(
            "data.few_images", f"Every identity has at least {counts_C.min()} training images.", values
        )


def batches(subject: Subject) -> Iterator[Finding | Passed]:
    """Do batches hold many identities? The order is drawn anew each epoch, so sorted folders do no harm."""
    rows_N = subject.data.splits["train"]
    size = min(subject.config.data.batch_size, len(rows_N))
    order = np.random.default_rng([subject.config.seed, 0]).permutation(len(rows_N))
    labels_N = subject.data.labels_N[rows_N[order]]
    starts = range(0, min(len(labels_N) - size + 1, _BATCHES * size), size)
    distinct = [len(np.unique(labels_N[start : start + size])) for start in starts]
    values = {
        "batch_size": size,
        "identities_mean": float(np.mean(distinct)),
        "identities_min": min(distinct),
    }
    seen = f"Batches of {size} hold {np.mean(distinct):.1f} identities on average, {min(distinct)} at least"
    if min(distinct) > 1:
        yield Passed("data.batches", f"{seen}; the order is shuffled, however the files are sorted.", values)
        return
    yield Finding(
        "data.batches",
        "warning",
        f"{seen}: a batch of one identity teaches the head to answer it always. Choose a larger data.batch_size.",
        cause="sampling.single_class",
        values=values,
        fix={"data.batch_size": min(4096, size * 4)},
    )


def makeup(subject: Subject) -> Iterator[Finding | Passed]:
    """Sizes and colours of the files."""
    origins = subject.data.origins
    if origins is None or not len(origins.sizes_N2):
        return
    edge_N = origins.sizes_N2.min(axis=1)
    px, n = subject.config.data.image_px, len(edge_N)
    small, grey = int((edge_N < px).sum()), int(origins.grey_N.sum())
    values = {
        "images": n,
        "grey_share": grey / n,
        "small_share": small / n,
        "smallest_px": float(edge_N.min()),
    }
    colours = (
        "all grey" if grey == n else "all in colour" if not grey else f"{grey} grey, {n - grey} in colour"
    )
    sizes = f"{edge_N.min()} to {edge_N.max()} px" if edge_N.min() < edge_N.max() else f"{edge_N.min()} px"
    seen = f"Shorter edges of {sizes}, {colours}"
    if not small and grey in {0, n}:
        yield Passed("data.makeup", f"{seen}.", values)
        return
    advice = []
    if small:
        advice.append(f"{small} of {n} files are smaller than {px} px and are enlarged")
    if grey not in {0, n}:
        advice.append(
            "where grey images are not spread evenly over people, the colour gives the identity away"
        )
    yield Finding("data.makeup", "info", f"{seen}: {'; '.join(advice)}.", values=values)
