"""Do labels say who is on the image, in batches, among copies, and in both parts of the split alike?"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.data.drawn import DrawnPeople
from edgeft_core.data.images import IntArray
from edgeft_core.data.perceptual_hash import FLAT_STD, Fingerprints, fingerprints, same_pictures
from edgeft_core.data.split_names import split_names
from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.class_counts import effective_classes
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell
from edgeft_core.diagnostics.probes.spread import nearest_other_mean
from edgeft_core.engine.position import epoch_order
from edgeft_core.evaluation.identification import class_means
from edgeft_core.evaluation.similarity import similarity

BATCHES = 100
PICTURES = 2000
COPIES_AT_MOST = 20_000

PAIRS_NEEDED = 5
"""Fewer copies say nothing about labels as a whole."""


def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Look at batches, copies under other names, and whether training and validation agree on names."""
    values = _counted(context) | _batches(context)
    tell("Comparing pictures", 0, 2)
    values |= _pictures(context)
    tell("Comparing names", 1, 2)
    agreement = _agreement(context)
    return ProbeResult("labels", values | agreement, _text(values, agreement))


def _counted(context: ProbeContext) -> dict[str, float]:
    dataset = context.session.dataset
    counts_C = dataset.label_counts("train")
    return {
        "classes": float(dataset.n_classes),
        "out_of_range": float(((dataset.labels_N < 0) | (dataset.labels_N >= dataset.n_classes)).sum()),
        "classes_without_images": float((counts_C == 0).sum()),
        "label_max_share": float(counts_C.max() / max(1, counts_C.sum())),
        "label_effective_share": effective_classes(counts_C) / dataset.n_classes,
        "validation_known_share": _shared(context),
    }


def _shared(context: ProbeContext) -> float:
    """Share of the names to score that are trained on; names only in one part never become classes."""
    data = context.config.data
    if data.source.strip() == "synthetic":
        return 1.0
    names = split_names(data.source, data.low_res_px)
    return len(names.scored & names.trained) / len(names.scored) if names.scored else 1.0


def _batches(context: ProbeContext) -> dict[str, float]:
    """Effective identities per batch in the order of the next epoch, and what an even draw would give."""
    session = context.session
    labels_N = session.dataset.labels_N[session.train_rows_N]
    size = session.batch_size
    order = epoch_order(len(labels_N), session.config.seed, session.position.epoch)
    n = min(BATCHES, session.steps_per_epoch)
    batches = labels_N[order[: n * size]].reshape(n, size)
    shuffled = np.random.default_rng(0).permutation(labels_N)[: n * size].reshape(n, size)
    seen, even = (_mean_effective(one, context.n_classes) for one in (batches, shuffled))
    return {"batch_identities": seen, "batch_identities_expected": even}


def _mean_effective(batches_NB: IntArray, n_classes: int) -> float:
    return float(np.mean([effective_classes(np.bincount(one, minlength=n_classes)) for one in batches_NB]))


def _pictures(context: ProbeContext) -> dict[str, float]:
    """Blank pictures, copies, and copies under another name. Drawn people are no copies by construction."""
    dataset, rows_N = context.session.dataset, context.session.train_rows_N
    limit = 96 if isinstance(dataset.high, DrawnPeople) else PICTURES
    rows_N = rows_N[np.linspace(0, len(rows_N) - 1, min(limit, len(rows_N))).round().astype(np.int64)]
    prints = fingerprints(
        dataset.read_hr(rows_N[start : start + 256]) for start in range(0, len(rows_N), 256)
    )
    pairs = same_pictures(prints, at_most=COPIES_AT_MOST)
    labels = dataset.labels_N[rows_N[pairs]]
    disagree = labels[:, 0] != labels[:, 1]
    values = {
        "pictures": float(len(rows_N)),
        "constant_share": _constant_share(prints, pairs),
        "copies_share": len(np.unique(pairs)) / len(rows_N),
        "copies_other_label_share": len(np.unique(pairs[disagree])) / len(rows_N),
    }
    if len(pairs) >= PAIRS_NEEDED:
        values["near_duplicate_disagreement"] = float(disagree.mean())
    return values


def _constant_share(prints: Fingerprints, pairs: IntArray) -> float:
    """Share of images that are blank, or one picture that a tenth of all images show."""
    flat = prints.std_N < FLAT_STD
    copies = np.bincount(pairs.reshape(-1), minlength=len(prints))
    return float((flat | (copies >= max(2, len(prints) // 10))).mean())


@torch.no_grad()
def _agreement(context: ProbeContext) -> dict[str, float]:
    """Nearest class means within the training part, and from it to the validation part; mean embedding removed."""
    learned, scored = context.learned, context.scored
    if not len(scored.rows_N):
        return {}
    people, place_N = torch.unique(learned.labels_N, return_inverse=True)
    mean_D = normalize(learned.emb_ND, dim=1).mean(dim=0)
    z_ND, probe_MD = (normalize(normalize(one.emb_ND, dim=1) - mean_D, dim=1) for one in (learned, scored))
    place_M = torch.searchsorted(people, scored.labels_N)
    predicted_M = (probe_MD @ class_means(z_ND, place_N, len(people)).T).argmax(dim=1)
    values = {
        "within_train": nearest_other_mean(z_ND, place_N, centre=False),
        "train_to_validation": float((predicted_M == place_M).float().mean()),
        "chance": 1.0 / len(people),
        "d_prime": similarity(z_ND, place_N).d_prime,
        "d_prime_validation": similarity(probe_MD, place_M).d_prime,
        **_renaming(predicted_M, place_M),
    }
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _renaming(predicted_M: Tensor, place_M: Tensor) -> dict[str, float]:
    """Do the answers make sense under other names?

    An answer is stable if all scored images of an identity get the same class. ``renamed_share`` is the share of
    identities whose answer is stable, wrong and given to nobody else: large where somebody renumbered one part, near
    0 for a good model, for answers drawn by lot, and where all faces get one class.
    """
    answers: dict[int, int] = {}
    asked = 0
    for person in torch.unique(place_M).tolist():
        given = predicted_M[place_M == person]
        if len(given) < 2:
            continue
        asked += 1
        if bool((given == given[0]).all()):
            answers[person] = int(given[0])
    if not asked:
        return {}
    once = Counter(answers.values())
    renamed = sum(answer != person and once[answer] == 1 for person, answer in answers.items())
    return {"stable_share": len(answers) / asked, "renamed_share": renamed / asked}


def _text(values: dict[str, float], agreement: dict[str, float]) -> str:
    told = (
        f"A batch holds {values['batch_identities']:.0f} identities (an even draw: "
        f"{values['batch_identities_expected']:.0f}); {values['copies_other_label_share']:.1%} of "
        f"{values['pictures']:.0f} pictures also appear under another name."
    )
    if not agreement:
        return told
    return (
        f"{told} Nearest class means name {agreement.get('within_train', math.nan):.0%} of training images, and "
        f"{agreement['train_to_validation']:.0%} of their validation images (chance {agreement['chance']:.1%})."
    )
