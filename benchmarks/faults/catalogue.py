"""Every cause of ``docs/causes.md``, injected as it happens to people. Rules may be tuned on these."""

from __future__ import annotations

from typing import Any

from benchmarks.faults import files, tampering
from benchmarks.faults.fault import Fault, Inject, Situation
from benchmarks.faults.ground import Ground, Kind
from edgeft_core.settings import DEMO_WEIGHTS

PIXEL_STEPS = 110
"""A run whose second stage shows the fault is stopped after so many steps: that stage has seen 80 of them."""


def healthy(ground: Ground) -> Situation:
    """What is left when a fault in files or code is mended."""
    return Situation(ground.head_only())


def healthy_stages(ground: Ground) -> Situation:
    return Situation(ground.two_stages(), steps=PIXEL_STEPS)


def from_folder(name: str, work: files.Work, **changed: Any) -> Inject:
    """The run on a damaged copy of the pictures."""
    return lambda ground: Situation(ground.head_only(data__source=str(ground.damaged(name, work)), **changed))


def from_weights(name: str, damage: files.Damage, **changed: Any) -> Inject:
    """The run from a damaged weight file."""
    return lambda ground: Situation(
        ground.head_only(backbone__weights=ground.weights(name, damage), **changed)
    )


def settings(**changed: Any) -> Inject:
    """The head stage with other settings."""
    return lambda ground: Situation(ground.head_only(**changed))


def stage_settings(**changed: Any) -> Inject:
    """Both stages with other settings."""
    return lambda ground: Situation(ground.two_stages(**changed), steps=PIXEL_STEPS)


def wrapped(name: str, change: tampering.Change, *, stages: bool = False, **changed: Any) -> Inject:
    """A backbone with something around it, filled from the demo weights."""

    def inject(ground: Ground) -> Situation:
        keys = {"backbone__name": name, "backbone__weights": str(DEMO_WEIGHTS), **changed}
        config = ground.two_stages(**keys) if stages else ground.head_only(**keys)
        return Situation(config, tampering.network(name, change), PIXEL_STEPS if stages else 300)

    return inject


def altered(maker: tampering.ContextMaker, *, stages: bool = False, **changed: Any) -> Inject:
    """The program around the run changed."""

    def inject(ground: Ground) -> Situation:
        config = ground.two_stages(**changed) if stages else ground.head_only(**changed)
        return Situation(config, maker, PIXEL_STEPS if stages else 300)

    return inject


SYNTHETIC: tuple[Kind, ...] = ("synthetic",)
PARTIAL = {"backbone__allow_partial": True}

FAULTS: tuple[Fault, ...] = (
    Fault(
        "weights.missing/low-rank",
        "a low-rank file forced into the plain model",
        from_weights("low-rank", files.low_rank, **PARTIAL),
        mend=healthy,
    ),
    Fault(
        "weights.missing/prefix",
        "names behind a prefix that nobody knows, partial loading allowed",
        from_weights("prefix", files.prefixed("student_ema/"), **PARTIAL),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "weights.missing/last-stage",
        "the last stage is not in the file",
        from_weights("no-stage-3", files.without("stages.3."), **PARTIAL),
        mend=healthy,
    ),
    Fault(
        "weights.missing/redrawn",
        "a complete file of which two stages were saved at random",
        from_weights("redrawn", files.redrawn("stages.2.", "stages.3.")),
        mend=healthy,
    ),
    Fault(
        "weights.missing/refused",
        "the last stage is not in the file, partial loading off",
        from_weights("no-stage-3", files.without("stages.3.")),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "weights.nonfinite/partial",
        "NaN in a weight file, partial loading allowed",
        from_weights("nan", files.with_nan("stages.1."), **PARTIAL),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "weights.nonfinite/refused",
        "NaN in a weight file, partial loading off",
        from_weights("nan", files.with_nan("stages.1.")),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault("input.range/0-255", "pixels fed as 0 to 255", settings(data__normalisation="none")),
    Fault("input.range/0-1", "pixels fed as 0 to 1", settings(data__normalisation="zero_to_one")),
    Fault(
        "input.range/0-255-published",
        "pixels fed as 0 to 255, s 64 and m .5",
        settings(data__normalisation="none", head__scale=64.0, head__margin_rad=0.5),
        on=SYNTHETIC,
    ),
    Fault(
        "input.range/saved-0-1",
        "floats of 0 to 1 saved as bytes",
        from_folder("unit", files.repainted(files.saved_as_unit)),
        mend=healthy,
    ),
    Fault(
        "input.range/saved-normalised",
        "normalised pixels saved as bytes",
        from_folder("normalised", files.repainted(files.saved_normalised)),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "input.constant/black",
        "all pictures are black",
        from_folder("black", files.repainted(files.black)),
        mend=healthy,
    ),
    Fault(
        "input.constant/placeholder",
        "the same placeholder everywhere",
        from_folder("placeholder", files.repainted(files.placeholder)),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "embedding.common_mode/recommended",
        "a large bias in the embedding layer",
        from_weights("bias", files.common_mode(6.0)),
    ),
    Fault(
        "embedding.common_mode/low-scale",
        "the same with s 8 and T 4",
        from_weights("bias", files.common_mode(6.0), head__scale=8.0, head__temperature=4.0),
        also=("scale.too_low",),
        on=SYNTHETIC,
    ),
    Fault(
        "embedding.collapsed/noise",
        "a backbone that gives noise around one point",
        wrapped("noise", tampering.around_one_point(0.22)),
        mend=healthy,
    ),
    Fault(
        "embedding.collapsed/tight",
        "the same, ten times closer to the point",
        wrapped("tight", tampering.around_one_point(0.02)),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "embedding.alignment_only/pull",
        "SR/HR weight 10 in the fine-tuning, and a head that hardly pushes (s .5, T 2)",
        stage_settings(
            data__low_res_px=16,
            head__scale=0.5,
            head__temperature=2.0,
            stages__1__contrastive_weight=10.0,
            stages__1__backbone_lr=1e-3,
            stages__0__epochs=1,
        ),
        also=("scale.too_low",),  # the pull can only win where the head hardly pushes
    ),
    Fault(
        "mode.train_eval/dropout",
        "dropout .9 behind the backbone",
        wrapped("dropout", tampering.dropout(0.9), stages=True),
        mend=healthy_stages,
    ),
    Fault("head.not_training/lr", "head learning rate 0", settings(stages__0__head_lr=0.0)),
    Fault(
        "head.not_training/optimiser",
        "the head left out of the optimiser",
        altered(lambda: tampering.not_optimised("head")),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "backbone.not_training/optimiser",
        "the backbone left out of the optimiser",
        altered(lambda: tampering.not_optimised("backbone"), stages=True),
        mend=healthy_stages,
    ),
    Fault(
        "backbone.not_training/detached",
        "no_grad left around the backbone",
        wrapped("detached", tampering.detached, stages=True, stages__1__weight_decay=0.0),
        mend=healthy_stages,
        on=SYNTHETIC,
    ),
    Fault(
        "head.collapsed/merged",
        "an averaging step that pulls class weights together",
        altered(lambda: tampering.averaged_head(0.03)),
        mend=healthy,
    ),
    Fault("lr.too_high/backbone", "backbone learning rate 1e-1", stage_settings(stages__1__backbone_lr=1e-1)),
    Fault("lr.too_low/1e-6", "head learning rate 1e-6", settings(stages__0__head_lr=1e-6)),
    Fault(
        "scale.too_low/reported",
        "s 8 and T 4, as reported",
        settings(head__scale=8.0, head__temperature=4.0, head__margin_rad=0.1),
    ),
    Fault("scale.too_low/1", "s 1", settings(head__scale=1.0, stages__0__head_lr=3e-4), on=SYNTHETIC),
    Fault("scale.too_high/256", "s 256", settings(head__scale=256.0)),
    Fault("margin.too_large/1.5", "margin 1.5", settings(head__margin_rad=1.5)),
    Fault(
        "margin.too_large/cosface",
        "CosFace with margin 1.4",
        settings(head__kind="cosface", head__margin_rad=1.4),
        on=SYNTHETIC,
    ),
    Fault(
        "labels.shuffled/folders",
        "pictures in folders drawn by lot",
        from_folder("shuffled", files.shuffled_names),
        mend=healthy,
    ),
    Fault(
        "labels.split_mismatch/one-off",
        "validation folders numbered one off",
        from_folder("one-off", files.split(files.one_off)),
        mend=healthy,
    ),
    Fault(
        "labels.split_mismatch/no-name-shared",
        "validation folders with names of their own",
        from_folder("own-numbers", files.split(files.own_numbers)),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "labels.out_of_range/head",
        "a head with fewer classes than people",
        altered(lambda: tampering.head_of_other_size(5)),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "labels.out_of_range/list",
        "names without pictures on the list of classes",
        altered(lambda: tampering.longer_class_list(30)),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "sampling.single_class/sorted",
        "batches in the order of the folders",
        altered(lambda: tampering.order(tampering.as_listed)),
        mend=healthy,
    ),
    Fault(
        "sampling.single_class/blocks",
        "blocks of sorted pictures, shuffled as blocks",
        altered(lambda: tampering.order(tampering.in_blocks(32))),
        mend=healthy,
        on=SYNTHETIC,
    ),
    Fault(
        "data.imbalance/two-people",
        "two people have nine tenths of the pictures",
        from_folder("two-people", files.skewed(2, 0.9)),
        mend=healthy,
    ),
    Fault(
        "eval.margin/in-scores",
        "accuracy from logits with the margin in them",
        altered(tampering.margin_in_scores),
        mend=healthy,
    ),
    Fault(
        "numerics.nonfinite/root",
        "a square root that falls below zero in the fine-tuning",
        wrapped("root", tampering.broken_after(20), stages=True),
        mend=healthy_stages,
    ),
)
