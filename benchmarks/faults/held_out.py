"""Variants that no rule was tuned on: other magnitudes, other people, other backbones, two faults at once."""

from __future__ import annotations

from typing import Any

from benchmarks.faults import files, tampering
from benchmarks.faults.catalogue import (
    PARTIAL,
    PIXEL_STEPS,
    SYNTHETIC,
    altered,
    from_folder,
    from_weights,
    healthy,
    healthy_stages,
    settings,
    stage_settings,
    wrapped,
)
from benchmarks.faults.fault import Fault, Inject, Situation
from benchmarks.faults.ground import Ground, Kind

FACES: tuple[Kind, ...] = ("faces",)


def among(people: int, images_each: int, inject: Inject) -> Inject:
    """The same with another number of drawn people."""

    def elsewhere(ground: Ground) -> Situation:
        if ground.kind == "faces":
            return inject(ground)
        return inject(Ground(ground.kind, ground.seed, ground.home, people, images_each))

    return elsewhere


def from_scratch(name: str, **changed: Any) -> Inject:
    """A backbone without weights that one stage trains from the start."""

    def inject(ground: Ground) -> Situation:
        keys = {
            "backbone__name": name,
            "backbone__weights": "none",
            "stages__0__train_backbone": True,
            "stages__0__backbone_lr": 1e-3,
            "stages__0__epochs": 20,
            **changed,
        }
        return Situation(ground.head_only(**keys), steps=90)

    return inject


FAULTS: tuple[Fault, ...] = (
    Fault(
        "weights.missing/depthwise",
        "depth-wise convolutions are not in the file",
        among(60, 10, from_weights("no-dw", files.without("conv_dw"), **PARTIAL)),
        mend=healthy,
    ),
    Fault(
        "weights.missing/redrawn-all-linear",
        "a complete file whose linear layers were saved at random",
        from_weights("linear", files.redrawn("mlp.", "qkv", "proj")),
        mend=healthy,
    ),
    Fault(
        "weights.nonfinite/stem",
        "NaN in the first layer, partial loading allowed",
        from_weights("nan-stem", files.with_nan("stem."), **PARTIAL),
        mend=healthy,
        on=FACES,
    ),
    Fault(
        "input.range/random-network",
        "pixels as 0 to 255 into a random network",
        among(200, 8, settings(data__normalisation="none", backbone__weights="none")),
    ),
    Fault(
        "input.range/with-low-scale",
        "pixels as 0 to 255, and s 8 with T 4",
        settings(data__normalisation="none", head__scale=8.0, head__temperature=4.0),
        also=(),
    ),
    Fault(
        "input.range/dark",
        "pictures that use an eighth of the brightness",
        from_folder("dark", files.repainted(files.darkened)),
        mend=healthy,
        also=("input.constant",),
        on=FACES,
    ),
    Fault(
        "input.constant/most-black",
        "six of ten pictures are black",
        from_folder("most-black", files.repainted(files.black_by(0.6))),
        mend=healthy,
    ),
    Fault("embedding.common_mode/mild", "half of that bias", from_weights("bias-3", files.common_mode(3.0))),
    Fault(
        "embedding.common_mode/strong",
        "three times that bias",
        among(60, 10, from_weights("bias-18", files.common_mode(18.0))),
    ),
    Fault(
        "embedding.collapsed/point",
        "a backbone that gives one vector",
        wrapped("point", tampering.around_one_point(0.0)),
        mend=healthy,
    ),
    Fault(
        "embedding.alignment_only/milder",
        "SR/HR weight 6 at s .5 with a smaller rate",
        stage_settings(
            head__scale=0.5,
            stages__1__contrastive_weight=6.0,
            stages__1__backbone_lr=5e-4,
            stages__0__epochs=1,
        ),
        on=FACES,
    ),
    Fault(
        "mode.train_eval/dropout-.7",
        "dropout .7 behind the backbone",
        wrapped("dropout-7", tampering.dropout(0.7), stages=True),
        mend=healthy_stages,
        on=FACES,
    ),
    Fault(
        "head.not_training/tiny",
        "head learning rate 1e-11",
        settings(stages__0__head_lr=1e-11),
        also=("lr.too_low",),
    ),
    Fault(
        "backbone.not_training/tiny",
        "backbone learning rate 1e-12",
        stage_settings(stages__1__backbone_lr=1e-12, stages__1__weight_decay=0.0),
        on=FACES,
    ),
    Fault(
        "head.collapsed/from-the-start",
        "class weights that start from one vector, at a small rate",
        altered(lambda: tampering.merged_head(0.02), stages__0__head_lr=2e-6),
        also=("lr.too_low",),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "lr.too_high/from-scratch",
        "a random backbone trained at .1",
        from_scratch("edgeface_xxs", stages__0__backbone_lr=0.1),
        on=SYNTHETIC,
    ),
    Fault("lr.too_low/3e-7", "head learning rate 3e-7", among(300, 6, settings(stages__0__head_lr=3e-7))),
    Fault("scale.too_low/temperature", "T 16 at s 16", among(300, 6, settings(head__temperature=16.0))),
    Fault("scale.too_high/temperature", "T .1 at s 16", settings(head__temperature=0.1)),
    Fault("margin.too_large/1.2", "margin 1.2", settings(head__margin_rad=1.2)),
    Fault(
        "labels.shuffled/most",
        "eight of ten pictures in folders drawn by lot",
        from_folder("most-shuffled", files.shuffled_share(0.8)),
        mend=healthy,
    ),
    Fault(
        "labels.split_mismatch/reversed",
        "validation folders numbered from the end",
        among(60, 10, from_folder("reversed", files.split(files.from_the_end))),
        mend=healthy,
    ),
    Fault(
        "labels.out_of_range/one",
        "a head with one class too few",
        altered(lambda: tampering.head_of_other_size(1)),
        mend=healthy,
        on=FACES,
    ),
    Fault(
        "sampling.single_class/blocks-of-16",
        "blocks of sixteen sorted pictures, shuffled as blocks",
        altered(lambda: tampering.order(tampering.in_blocks(16))),
        mend=healthy,
    ),
    Fault(
        "data.imbalance/one-person",
        "one person has four fifths of the pictures",
        from_folder("one-person", files.skewed(1, 0.8)),
        mend=healthy,
    ),
    Fault(
        "eval.margin/cosface",
        "accuracy from CosFace's logits with the margin in them",
        altered(tampering.margin_in_scores, head__kind="cosface", head__margin_rad=0.4, head__scale=30.0),
        mend=healthy,
    ),
    Fault(
        "numerics.nonfinite/early",
        "a square root that falls below zero at once",
        wrapped("root-2", tampering.broken_after(4), stages=True),
        mend=healthy_stages,
        on=FACES,
    ),
)

HEALTHY: tuple[Fault, ...] = (
    Fault("healthy/250", "250 people, eight pictures each", among(250, 8, settings()), on=SYNTHETIC),
    Fault("healthy/fast", "head learning rate 2e-2", settings(stages__0__head_lr=2e-2)),
    Fault(
        "healthy/slow-250",
        "250 people, head learning rate 5e-5",
        among(250, 8, settings(stages__0__head_lr=5e-5, stages__0__schedule="constant")),
        on=SYNTHETIC,
    ),
    Fault("healthy/small-batch", "batches of 8", settings(data__batch_size=8)),
    Fault("healthy/originals", "trained on the originals", settings(data__train_on="hr")),
    Fault("healthy/temperature", "s 64 at T 4", settings(head__scale=64.0, head__temperature=4.0)),
    Fault("healthy/softmax", "a plain softmax", settings(head__kind="softmax")),
    Fault("healthy/two-people", "two people", from_folder("two", files.few_people(2))),
    Fault("healthy/three-pictures", "three pictures each", from_folder("three", files.few_pictures(3))),
    Fault(
        "healthy/gentle-tuning",
        "fine-tuning at 3e-6, as reported",
        lambda ground: Situation(
            ground.two_stages(stages__1__backbone_lr=3e-6, stages__1__contrastive_weight=0.3),
            steps=PIXEL_STEPS,
        ),
    ),
    Fault(
        "healthy/other-network",
        "a random low-rank EdgeFace, all trained",
        from_scratch("edgeface_xs_gamma_06"),
        on=SYNTHETIC,
    ),
    Fault(
        "healthy/random-frozen",
        "a random network that stays as it is, and a head that copes",
        settings(backbone__weights="none"),
        on=SYNTHETIC,
    ),
)

HELD_OUT: tuple[Fault, ...] = (*FAULTS, *HEALTHY)
