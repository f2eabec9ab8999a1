"""Do names and faces belong together, as far as embeddings can tell?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.nn.functional import normalize

from edgeft_core.diagnostics.case import Finding
from edgeft_core.diagnostics.probes.faces import embed
from edgeft_core.evaluation.identification import nearest_class_mean
from edgeft_core.preflight.network_checks.sample import NetworkSample
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.thresholds import CROWDED_COSINE, SIGNIFICANT

PEOPLE_NEEDED = 5


def same_person(sample: NetworkSample) -> Iterator[Finding | Passed]:
    """Are images of one identity more alike than images of different ones? Even a random network sees that."""
    if sample.loaded is None or len(sample.people) < PEOPLE_NEEDED:
        return
    fed = sample.as_fed
    if not math.isfinite(fed.d_prime * fed.d_prime_error) or fed.cos_different >= CROWDED_COSINE:
        return  # nobody has two images, or the embeddings themselves are the trouble
    values = {"d_prime": fed.d_prime, "d_prime_error": fed.d_prime_error}
    seen = (
        f"Images of one identity have a mean cosine of {fed.cos_same:.2f}, of different ones {fed.cos_different:.2f} "
        f"(d' {fed.d_prime:.2f} +- {fed.d_prime_error:.2f})"
    )
    if fed.d_prime >= SIGNIFICANT * fed.d_prime_error:
        yield Passed("labels.same_person", f"{seen}: names and faces belong together.", values)
        return
    untrained = sample.loaded.report.source == "none"
    yield Finding(
        "labels.same_person",
        "info" if untrained and fed.d_prime > fed.d_prime_error else "warning",
        f"{seen}: names say nothing about faces, as if labels had been shuffled. Look at a few identities in the "
        "preview. It may be a false alarm where the backbone knows nothing of such faces.",
        cause="labels.shuffled",
        values=values,
    )


def split_agreement(sample: NetworkSample) -> Iterator[Finding | Passed]:
    """Are the people of the training part those of the validation part? A renumbered folder says otherwise."""
    if sample.loaded is None or len(sample.people) < PEOPLE_NEEDED or not len(sample.scored_rows_N):
        return
    kind = sample.subject.config.data.normalisation
    labels = sample.subject.data.labels_N
    train_ND = normalize(embed(sample.network, sample.images_N3HW, kind), dim=1)
    scored_MD = normalize(embed(sample.network, sample.faces(sample.scored_rows_N), kind), dim=1)
    place = {int(person): number for number, person in enumerate(sample.people)}
    gallery_N, probe_M = (
        torch.tensor([place[int(label)] for label in labels[rows]])
        for rows in (sample.rows_N, sample.scored_rows_N)
    )
    n = len(sample.people)
    over = nearest_class_mean(train_ND, gallery_N, scored_MD, probe_M, n).top1
    within = sample.as_fed.nearest_mean
    chance = 1.0 / n
    error = math.sqrt(within * (1.0 - within) / len(probe_M)) + math.sqrt(chance / len(probe_M))
    values = {"within_training": within, "training_to_validation": over, "chance": chance}
    seen = (
        f"The nearest class mean of {n} identities names {within:.0%} of training images and {over:.0%} of "
        f"validation images (chance {chance:.0%})"
    )
    at_chance = over <= chance + SIGNIFICANT * math.sqrt(chance / len(probe_M))
    if not at_chance or within - over < SIGNIFICANT * error:
        yield Passed("labels.split_agreement", f"{seen}.", values)
        return
    yield Finding(
        "labels.split_agreement",
        "warning",
        f"{seen}: the two parts seem to give the same names to different people. Compare a few identities' images in "
        "both parts.",
        cause="labels.split_mismatch",
        values=values,
    )
