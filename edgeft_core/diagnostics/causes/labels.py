"""Causes in labels, batches and how often each person is seen."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes.cause import Cause, Fix, Weighing
from edgeft_core.diagnostics.causes.symptoms import (
    different_people,
    is_learning_well,
    knows_identities,
    percent,
    validation_at_chance,
)

PEOPLE_PROBED, IMAGES_PROBED = 32, 3
"""What the probe of random weights looks at: pairs of one person for the error of d'."""

BATCHES_DRAWN = 64
"""Draws of a batch: the mean of their effective classes is then good to a hundredth."""


def shuffled(case: Case) -> Cause | None:
    """``labels.shuffled``: names say nothing about faces."""
    weighing = Weighing("labels.shuffled", case)
    cosine, known = different_people(case), knows_identities(case)
    spread = cosine is not None and cosine < limit.SPREAD_ENOUGH
    if known is False and spread:
        trusted = bool(case.weights.get("complete")) and case.weights.get("source") not in {"none", None}
        d_prime = case.signals["val_d_prime"]
        text = (
            f"Embeddings are well spread, yet images of one name are no more alike than those of different names "
            f"(d' {d_prime:.2f})."
        )
        weighing.supports(0.85 if trusted else 0.5, "val_d_prime", d_prime, 0.0, text)
    _near_duplicates(case, weighing)
    _memorised(case, weighing)
    _no_class_means(case, weighing, spread)
    _random_network(case, weighing)
    if known and not weighing.empty:
        weighing.doubts(
            0.8, f"Images of one name are more alike than others (d' {case.signals['val_d_prime']:.2f})."
        )
    return weighing.cause(
        meaning="The names do not belong to the faces. The head can only learn images by heart; nothing carries over "
        "to new ones.",
        doubt="A backbone that knows nothing of such faces shows the same; try it on a few people whom you know.",
        fix=Fix(
            "Compare a few identities in the preview with their names, and rebuild the labels from the source."
        ),
    )


def _near_duplicates(case: Case, weighing: Weighing) -> None:
    copies, other = (case.probe("labels", f"copies_{name}") for name in ("share", "other_label_share"))
    if copies and other is not None and other >= 0.3 * copies:
        text = (
            f"{percent(copies)} of the pictures occur more than once, {percent(other)} under different names."
        )
        sure = min(1.0, other / 0.05)  # a few copies say little about all the others
        weighing.supports(
            sure * (0.2 + 0.5 * other / copies), "labels.copies_other_label_share", other, 0.0, text
        )


def _memorised(case: Case, weighing: Weighing) -> None:
    accuracy = case.probe("memorise", "memorised")
    if accuracy is not None and accuracy >= 0.9 and validation_at_chance(case) and not weighing.empty:
        text = f"One batch can be learned by heart ({percent(accuracy)}), but validation stays at chance."
        weighing.supports(0.3, "memorise.memorised", accuracy, case.signal("val_top1"), text)


def _no_class_means(case: Case, weighing: Weighing, spread: bool) -> None:
    within, chance = (case.probe("labels", name) for name in ("within_train", "chance"))
    if within is None or chance is None or not spread:
        return
    text = f"Nearest class means name {percent(within)} of the training images rightly (chance {percent(chance)})"
    if within <= min(3.0 * chance, chance + 0.15 * (1.0 - chance)):  # the latter of fewer than 15 people
        weighing.supports(
            0.7, "labels.within_train", within, chance, f"{text}, though embeddings are well spread."
        )
    elif not weighing.empty:
        weighing.doubts(0.8, f"{text}.")


def _random_network(case: Case, weighing: Weighing) -> None:
    """Even random weights find images of one person more alike than others, if the names are right."""
    fresh = case.probe("weights_random", "d_prime_random")
    people = min(case.n_classes, PEOPLE_PROBED)
    if weighing.empty or fresh is None or case.n_classes < limit.PEOPLE_TO_COMPARE:
        return
    error = 1.0 / math.sqrt(IMAGES_PROBED * people)
    if fresh > 2.0 * limit.SIGNIFICANT * error:
        text = f"Even a network with random weights finds images of one name more alike than others (d' {fresh:.2f})."
        weighing.doubts(0.7, text)


def split_mismatch(case: Case) -> Cause | None:
    """``labels.split_mismatch``: training and validation give the same people different numbers."""
    weighing = Weighing("labels.split_mismatch", case)
    top1, learned = case.signal("top1_running"), is_learning_well(case)
    if (
        learned
        and top1 is not None
        and validation_at_chance(case)
        and case.signals["val_top1"] < 0.6 * top1
        and len(case.trail("val_top1").values) >= 2
    ):
        sure, strength = knows_identities(case), min(1.0, top1 / 0.4)
        top = case.signals["val_top1"]
        text = f"Top-1 is {percent(top1)} on training images and {percent(top)} on validation images, which is chance."
        weight = 0.2 if sure is False else 0.6 if sure else 0.55
        weighing.supports(strength * weight, "val_top1", top, top1, text)
        if sure:
            d_prime = case.signals["val_d_prime"]
            text = f"Validation images of one name do belong together (d' {d_prime:.2f}), only under another number."
            weighing.supports(strength * 0.7, "val_d_prime", d_prime, 0.0, text)
    _parts_disagree(case, weighing)
    return weighing.cause(
        meaning="The model learns its training images and validation asks for other numbers: one of the two was "
        "numbered by another list of names, or they share nobody.",
        doubt="Very few images per person, learned by heart, look alike; compare the names in both folders.",
        fix=Fix("Number both parts by one sorted list of names; check that the same people are in both."),
    )


def _parts_disagree(case: Case, weighing: Weighing) -> None:
    within, across, chance, renamed, shared = (
        case.probe("labels", name)
        for name in (
            "within_train",
            "train_to_validation",
            "chance",
            "renamed_share",
            "validation_known_share",
        )
    )
    if renamed is not None and renamed >= 0.2:
        text = f"{percent(renamed)} of the people clearly have somebody else's number in validation."
        weighing.supports(min(0.9, 0.6 + renamed), "labels.renamed_share", renamed, 0.0, text)
    if shared is not None and shared < 0.5:
        text = f"{percent(shared)} of the validation's names occur in training."
        weighing.supports(0.8, "labels.validation_known_share", shared, 1.0, text)
    if within is None or across is None or chance is None:
        return
    if within > 10.0 * chance and across <= 3.0 * chance:
        text = (
            f"Nearest class means name {percent(within)} of the training images rightly and {percent(across)} of the "
            f"validation's people (chance {percent(chance)})."
        )
        weighing.supports(0.8, "labels.train_to_validation", across, within, text)
    elif across > 3.0 * chance and not weighing.empty:
        weighing.doubts(
            0.7, f"Nearest class means of training name {percent(across)} of validation's people rightly."
        )


def out_of_range(case: Case) -> Cause | None:
    """``labels.out_of_range``: a label that the head has no class for, or classes that nobody has."""
    weighing = Weighing("labels.out_of_range", case)
    if re.search(r"out of bounds|Target \d+|index \d+ is out of|device-side assert", case.error):
        weighing.supports(0.95, "error", None, None, case.error.split(". ")[0])
    beyond = case.probe("labels", "out_of_range")
    if beyond:
        text = f"{beyond:.0f} labels lie outside the {case.n_classes} classes."
        weighing.supports(0.95, "labels.out_of_range", beyond, 0.0, text)
    empty = sum(count == 0 for count in case.label_counts)
    if empty:
        share = empty / len(case.label_counts)
        text = f"{empty} of {len(case.label_counts)} classes have no training image."
        weighing.supports(0.5 + 0.4 * min(1.0, 4.0 * share), "label_counts", empty, 0.0, text)
    return weighing.cause(
        meaning="Labels and classes do not fit: a class without images only disturbs the others, a label without a "
        "class ends the run.",
        doubt="A few people may be in the validation part only, on purpose.",
        fix=Fix("Rebuild the list of classes from the training images, numbered from 0 without gaps."),
    )


def single_class(case: Case) -> Cause | None:
    """``sampling.single_class``: batches hold one or few classes."""
    weighing = Weighing("sampling.single_class", case)
    found = case.tail("batch_label_classes").mean() if case.tail("batch_label_classes").values else None
    if found is None:
        found = case.signal("batch_label_classes")
    expected = expected_classes(case.label_counts, case.config.data.batch_size)
    if found is not None and expected > 1.5 and case.step >= 1:
        mixed = (found - 1.0) / (expected - 1.0)
        if mixed < limit.MIXED_BATCH:
            text = f"A batch holds {found:.1f} classes in effect; mixed well it would hold {expected:.1f}."
            weighing.supports(0.95 - 0.3 * mixed, "batch_label_classes", found, expected, text)
    coming, even = (case.probe("labels", f"batch_identities{name}") for name in ("", "_expected"))
    if (
        coming is not None
        and even is not None
        and even > 1.5
        and (coming - 1.0) / (even - 1.0) < limit.MIXED_BATCH
    ):
        text = f"The next batches hold {coming:.1f} classes in effect, an even draw would hold {even:.1f}."
        weighing.supports(0.6, "labels.batch_identities", coming, even, text)
    return weighing.cause(
        meaning="Each step sees one or few people, so the head leans to whoever came last and forgets the others: the "
        "predicted class follows the batches.",
        doubt="With very few people in the data every batch holds few.",
        fix=Fix("Shuffle the training images, or draw batches evenly over people."),
    )


@lru_cache(maxsize=64)
def expected_classes(label_counts: tuple[int, ...], batch_size: int) -> float:
    """exp(entropy) of a batch's labels when images are drawn at random: the mean over some draws, always the same.

    The entropy of so few draws falls short of that of the shares, and for skewed shares no formula says by how much.
    """
    counts = np.array(label_counts, np.float64)
    if counts.sum() <= 0:
        return 0.0
    random = np.random.default_rng(0)
    size = int(min(batch_size, counts.sum()))
    drawn_NC = random.multinomial(size, counts / counts.sum(), size=BATCHES_DRAWN) / size
    return float(np.exp(-(drawn_NC * np.log(np.where(drawn_NC > 0.0, drawn_NC, 1.0))).sum(axis=1)).mean())


def imbalance(case: Case) -> Cause | None:
    """``data.imbalance``: predictions follow a skewed distribution of labels."""
    weighing = Weighing("data.imbalance", case)
    counts = case.label_counts
    total = sum(counts)
    if len(counts) < 2 or not total:
        return None
    even = label_evenness(counts)
    largest = max(counts) / total
    if even < limit.SKEWED_LABELS:
        weighing.supports(
            0.35 + 0.4 * (1.0 - even / limit.SKEWED_LABELS),
            "label_counts",
            even * len(counts),
            float(len(counts)),
            f"The labels are as good as {even * len(counts):.0f} evenly used classes of {len(counts)}; the largest has "
            f"{percent(largest)} of the images (even: {percent(1.0 / len(counts))}).",
        )
    if weighing.empty:
        return None
    _predictions_follow(case, weighing, largest)
    return weighing.cause(
        meaning="Guessing the frequent people is already cheap, so the head predicts them and the others are hardly "
        "learned.",
        doubt="Skewed data can be learned well; look whether rare people are recognised.",
        fix=Fix(
            "Even out the images per person (draw rare ones more often, leave out surplus), or collect more of them."
        ),
    )


def _predictions_follow(case: Case, weighing: Weighing, largest: float) -> None:
    predicted = case.window_predicted
    if not predicted or not sum(predicted) or len(predicted) != len(case.label_counts):
        return
    top = max(range(len(predicted)), key=predicted.__getitem__)
    share = predicted[top] / sum(predicted)
    frequent = case.label_counts[top] >= sorted(case.label_counts)[-max(1, len(predicted) // 10)]
    if frequent and share >= 0.5 * largest:
        text = f"The most predicted class ({percent(share)} of the predictions) is among the most frequent labels."
        weighing.supports(0.4, "max_class_share", share, largest, text)
    elif not frequent and share > 2.0 * largest:
        weighing.doubts(0.6, "The most predicted class is not a frequent one.")


def label_evenness(counts: Sequence[int]) -> float:
    """exp(entropy) of the labels as a share of the number of classes: 1 = even."""
    total = sum(counts)
    entropy = -sum(count / total * math.log(count / total) for count in counts if count)
    return math.exp(entropy) / len(counts)
