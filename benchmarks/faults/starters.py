"""Healthy runs that start slowly or look odd: nothing may be said about them but that it is early."""

from __future__ import annotations

from benchmarks.faults import files
from benchmarks.faults.catalogue import SYNTHETIC, from_folder, settings, stage_settings
from benchmarks.faults.fault import Fault, Situation
from benchmarks.faults.ground import Ground


def many_people(ground: Ground) -> Situation:
    """518 people, six pictures each."""
    return Situation(Ground("synthetic", ground.seed, ground.home, 518, 6).head_only())


def random_backbone(ground: Ground) -> Situation:
    """No weights; one stage trains everything from the start."""
    changed = {
        "backbone__weights": "none",
        "stages__0__train_backbone": True,
        "stages__0__backbone_lr": 3e-4,
        "stages__0__epochs": 20,
    }
    return Situation(ground.head_only(**changed), steps=100)


HEALTHY: tuple[Fault, ...] = (
    Fault("healthy/default", "the recommended settings", settings()),
    Fault("healthy/two-stages", "both recommended stages", stage_settings(), on=SYNTHETIC),
    Fault("healthy/small-rate", "head learning rate 1e-4", settings(stages__0__head_lr=1e-4)),
    Fault(
        "healthy/constant-3e-5",
        "head learning rate 3e-5, constant",
        settings(stages__0__head_lr=3e-5, stages__0__schedule="constant", stages__0__warmup_steps=0),
        on=SYNTHETIC,
    ),
    Fault("healthy/warm-up", "warm-up of 200 steps", settings(stages__0__warmup_steps=200)),
    Fault("healthy/518", "518 people from a random head", many_people, on=SYNTHETIC),
    Fault("healthy/few-pictures", "four pictures of each person", from_folder("four", files.few_pictures(4))),
    Fault("healthy/five-people", "five people", from_folder("five", files.few_people(5))),
    Fault(
        "healthy/uneven",
        "a tenth of the people with a third of the pictures",
        from_folder("uneven", files.skewed(10, 0.33, 0.5)),
    ),
    Fault("healthy/random-backbone", "no weights, all trained", random_backbone, on=SYNTHETIC),
    Fault("healthy/smoothing", "label smoothing .3", settings(head__label_smoothing=0.3), on=SYNTHETIC),
    Fault("healthy/published", "s 64 and m .5", settings(head__scale=64.0, head__margin_rad=0.5)),
    Fault("healthy/large-batch", "batches of 256", settings(data__batch_size=256, stages__0__epochs=60)),
    Fault(
        "healthy/cosface",
        "CosFace with margin .35 at s 30",
        settings(head__kind="cosface", head__margin_rad=0.35, head__scale=30.0),
        on=SYNTHETIC,
    ),
    Fault("healthy/centred", "centring on", settings(head__centre=True), on=SYNTHETIC),
    Fault("healthy/16px", "faces enlarged from 16 px", settings(data__low_res_px=16), on=SYNTHETIC),
    Fault(
        "healthy/pull",
        "the reported SR/HR weight .3 in the fine-tuning",
        stage_settings(stages__1__contrastive_weight=0.3),
        on=("faces",),
    ),
)
