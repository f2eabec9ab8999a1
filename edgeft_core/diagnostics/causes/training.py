"""Causes in what is trained and how fast."""

from __future__ import annotations

import math
import re
from typing import Literal

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes.cause import Cause, Fix, Weighing
from edgeft_core.diagnostics.causes.symptoms import (
    Replayed,
    different_people,
    is_learning_well,
    largest_pull,
    percent,
    replayed,
    rose_in_stage,
)

Part = Literal["head", "backbone"]
USUAL_RATE: dict[Part, float] = {"head": 1e-3, "backbone": 3e-5}


def head_not_training(case: Case) -> Cause | None:
    """``head.not_training``: the head's weights do not move."""
    return _not_training(case, "head")


def backbone_not_training(case: Case) -> Cause | None:
    """``backbone.not_training``: the stage trains the backbone, and its weights do not move."""
    return _not_training(case, "backbone") if case.stage_config.train_backbone else None


def _not_training(case: Case, part: Part) -> Cause | None:
    weighing = Weighing(f"{part}.not_training", case)
    rate = getattr(case.stage_config, f"{part}_lr")
    seen = case.in_stage(f"unchanged_{part}").values
    unchanged = min(seen) if seen else case.signal(f"unchanged_{part}")
    if unchanged is not None and unchanged >= 1.0 and (len(seen) > 1 or not _ran_out(case, part)):
        text = f"A step left {percent(unchanged)} of the {part}'s numbers exactly as they were."
        weighing.supports(0.97, f"unchanged_{part}", unchanged, 0.0, text)
    if rate == 0.0:
        text = f"{case.stage_key}{part}_lr is 0."
        weighing.supports(0.9, f"{case.stage_key}{part}_lr", rate, USUAL_RATE[part], text)
    norm = case.signal(f"grad_norm_{part}")
    if norm == 0.0:
        weighing.supports(0.6, f"grad_norm_{part}", norm, None, f"No gradient reaches the {part}.")
    elif not weighing.empty and norm is None and rate > 0.0:
        text = f"The optimiser reports no gradient for the {part}: it was not given its weights."
        weighing.supports(0.5, f"grad_norm_{part}", None, None, text)
    if case.probe("parameters", f"{part}_change") == 0.0:
        step = case.probe("parameters", "step") or 0.0
        text = f"After {step:.0f} steps the {part}'s weights are still those from the start."
        weighing.supports(0.9, f"parameters.{part}_change", 0.0, None, text)
    hopeless = _hopeless(case, part)
    if hopeless is not None:
        weighing.supports(0.9, f"update_ratio_{part}", *hopeless)
    elif not weighing.empty and unchanged is not None and unchanged < 1.0:
        weighing.doubts(
            0.9, f"The last step that was looked at did change {percent(1.0 - unchanged)} of its numbers."
        )
    live = {f"{case.stage_key}{part}_lr": USUAL_RATE[part]} if rate == 0.0 or hopeless else {}
    return weighing.cause(
        meaning=f"The {part} stays as it is, whatever the loss says: "
        + ("the classes keep their random directions." if part == "head" else "faces keep their embeddings."),
        doubt="At the very end of a cosine schedule the learning rate is nearly 0, and then that is right.",
        fix=Fix(
            f"Give the {part} a learning rate."
            if live
            else f"The {part} must be in the optimiser with requires_grad on; a changed training loop has left it out.",
            live=live,
        ),
    )


def _hopeless(case: Case, part: Part) -> tuple[float, float, str] | None:
    """The ratio of an update, the usual one, and how far all updates of the stage together could move a part, where
    that is next to nothing."""
    peak, now = getattr(case.stage_config, f"{part}_lr"), case.signal(f"lr_{part}")
    steps = case.stage_config.epochs * case.steps_per_epoch
    seen = case.in_stage(f"update_ratio_{part}").values[
        -2:
    ]  # one alone may be from before its stage's rate was told
    if len(seen) < 2 or not (now and peak and steps) or _ran_out(case, part):
        return None
    ratio = max(seen)
    if ratio == 0.0:
        return None  # told otherwise
    reach = ratio * max(1.0, peak / now) * steps  # a warm-up has hardly begun
    if reach >= limit.HOPELESS_REACH[part]:
        return None
    text = f"All {steps} steps of the stage together can move the {part} by {reach:.0e} of its length: by nothing."
    return ratio, 1e-3 if part == "head" else 1e-5, text


def _ran_out(case: Case, part: Part) -> bool:
    """Whether the schedule has taken the learning rate to nothing, as it should at its end."""
    peak, now = getattr(case.stage_config, f"{part}_lr"), case.signal(f"lr_{part}")
    return now is not None and peak > 0.0 and now < 1e-3 * peak


def head_collapsed(case: Case) -> Cause | None:
    """``head.collapsed``: class weights have merged, or one dominates."""
    if is_learning_well(case) or case.step <= 1:
        return None
    weighing = Weighing("head.collapsed", case)
    mean = case.signal("head_cos_mean")
    if mean is not None and mean >= limit.MERGED_HEAD:
        text = f"Class weights have a mean cosine of {mean:.2f}: the classes point the same way."
        weighing.supports(0.75, "head_cos_mean", mean, 0.0, text)
    samples, classes = case.signal("logit_std_samples"), case.signal("logit_std_classes")
    cosine = different_people(case)
    if samples is not None and classes and samples / classes < limit.CLASS_BIAS:
        text = (
            f"Logits vary by {samples:.2g} between faces and by {classes:.2g} between classes: the class decides, not "
            "the face."
        )
        spread = cosine is not None and cosine < limit.CROWDED_COSINE
        weighing.supports(0.55 if spread else 0.25, "logit_std_samples", samples, classes, text)
    if weighing.empty:
        return None
    if cosine is not None and cosine >= limit.COLLAPSED_COSINE:
        text = f"Embeddings are alike themselves (mean cosine {cosine:.2f}), which alone has this effect on any head."
        weighing.doubts(0.6, text)
    return weighing.cause(
        meaning="The head gives every face the same few classes, although embeddings differ.",
        doubt="Early in training a few classes win by chance, until all have been seen.",
        fix=Fix(
            "Start the head anew, or go back to a checkpoint from before; lower its learning rate if that is large. "
            "Class weights that were merged from the start come from what made them: a file, or code that averages.",
            live=_gentler_head(case),
            rewind=True,
        ),
    )


def _gentler_head(case: Case) -> dict[str, float]:
    """A lower learning rate for the head, where it is above what is usual."""
    rate = case.stage_config.head_lr
    return {f"{case.stage_key}head_lr": rate / 10.0} if rate > 10.0 * USUAL_RATE["head"] else {}


def rate_too_high(case: Case) -> Cause | None:
    """``lr.too_high``: steps are so long that they destroy what was known."""
    weighing = Weighing("lr.too_high", case)
    _hot(case, weighing)
    _losing(case, weighing)
    _slower_is_better(case, weighing)
    if weighing.empty:
        return None
    if is_learning_well(case):
        weighing.doubts(
            0.6, "Training images are recognised well above chance, and the steps have not undone that."
        )
    part: Part = "backbone" if case.stage_config.train_backbone else "head"
    rates = {f"{case.stage_key}{part}_lr": getattr(case.stage_config, f"{part}_lr") / 10.0}
    return weighing.cause(
        meaning=f"Each step moves the {part} further than its gradient is good for: the loss jumps or rests where a "
        "network rests that knows nothing.",
        doubt="The first steps of a fresh head are long in any run.",
        fix=Fix(
            "Go back to the last checkpoint that was good and go on with a tenth of the learning rate, with a warm-up. "
            "Weights that were destroyed do not come back at a lower rate alone.",
            live=rates,
            restart={f"{case.stage_key}warmup_steps": max(50, case.stage_config.warmup_steps)},
            rewind=True,
        ),
    )


def _hot(case: Case, weighing: Weighing) -> None:
    for part, bound in (("backbone", limit.HOT_UPDATE_BACKBONE), ("head", limit.HOT_UPDATE_HEAD)):
        ratio = _largest_update(case, part)
        if ratio is not None and ratio > bound:
            over = min(1.0, math.log10(ratio / bound))
            weighing.supports(
                0.6 + 0.3 * over,
                f"update_ratio_{part}",
                ratio,
                bound,
                f"One step moved the {part}'s weights by {percent(ratio)} of their length; {percent(bound)} is already "
                "too much.",
            )


def _largest_update(case: Case, part: str) -> float | None:
    """The largest update ratio of the stage; a head's first steps are long in any run and do not count."""
    trail = case.in_stage(f"update_ratio_{part}")
    begin = case.stage_step + (limit.WARMUP_STEPS_LEAST if part == "head" else 0)
    seen = [value for step, value in zip(trail.steps, trail.values, strict=True) if step > begin]
    return max(seen, default=None)


def _losing(case: Case, weighing: Weighing) -> None:
    """Embeddings fell together, or the loss ran away, while something was trained fast."""
    rate = case.stage_config.backbone_lr
    rise = rose_in_stage(case, "cos_different")
    fast = case.stage_config.train_backbone and rate > 3e-4
    if fast:
        text = (
            f"The backbone's learning rate is {rate:.0e}; pretrained backbones are trained with 3e-6 to 3e-4."
        )
        weighing.supports(0.4, f"{case.stage_key}backbone_lr", rate, 3e-4, text)
        if rise >= limit.COSINE_RISE:
            pulled = (largest_pull(case) or 0.0) >= limit.PULL_SHARE  # which would have done that as well
            text = f"Different people's mean cosine rose by {rise:.2f} in this stage."
            weighing.supports(
                0.2 if pulled else 0.5, "cos_different", case.signal("cos_different"), None, text
            )
    if case.verdict.status == "diverged" and not re.search("NaN|infinity", case.error):
        text = "The loss is above that of a network that knows nothing."
        weighing.supports(0.6, "loss", case.signal("loss"), None, text)


def _slower_is_better(case: Case, weighing: Weighing) -> None:
    found = replayed(case, "lr_tenth", factor=1.5)
    if found is None:
        return
    if found.better:
        text = f"A fresh head with a tenth of the rate reached {found.told}."
        weighing.supports(0.8, "head_replays.lr_tenth", found.other, found.as_is, text)
    elif found.no_better and not case.stage_config.train_backbone:
        weighing.doubts(0.5, f"A tenth of the rate does no better ({found.told}).")


def rate_too_low(case: Case) -> Cause | None:
    """``lr.too_low``: it learns, but would take far longer than planned."""
    weighing = Weighing("lr.too_low", case)
    rate, ratio = case.stage_config.head_lr, case.signal("update_ratio_head")
    unchanged = case.signal("unchanged_head")
    if rate == 0.0 or (unchanged is not None and unchanged >= 1.0) or is_learning_well(case):
        return None
    if ratio is not None and 0.0 < ratio < 10.0 * limit.COLD_UPDATE and not _ran_out(case, "head"):
        cold = ratio < limit.COLD_UPDATE
        text = f"One step moves the head by {ratio:.1e} of its length; about 1e-3 is usual."
        weighing.supports(0.7 if cold else 0.45, "update_ratio_head", ratio, 1e-3, text)
    if rate < 3e-5:
        text = f"The head's learning rate is {rate:.0e}; a fresh head usually gets 1e-4 to 1e-2."
        weighing.supports(0.5, f"{case.stage_key}head_lr", rate, 1e-3, text)
    tried = replayed(case, "lr_tenfold", factor=1.5)
    if case.verdict.status != "stalled" and not weighing.empty:
        if tried is None or not tried.better:
            weighing.doubts(0.5, "It has not stalled so far.")
    elif not weighing.empty:
        top5, chance = case.signal("top5_running"), min(1.0, 5.0 * case.chance)
        text = f"At its pace so far the run will still be near chance (Top-5 {percent(chance)}) when the stage ends."
        weighing.supports(0.4, "top5_running", top5, chance, text)
    if tried is not None:
        _faster_is_better(tried, weighing)
    higher = min(1.0, max(10.0 * rate, 3e-4))
    return weighing.cause(
        meaning="The loss falls, but a step changes so little that the planned steps will not get anywhere.",
        doubt="Warm-ups and slow starts look the same for a while; look at the trend.",
        fix=Fix(
            f"Raise the head's learning rate from {rate:.0e} to {higher:.0e}; it can be changed while the run goes.",
            live={f"{case.stage_key}head_lr": higher},
        ),
    )


def _faster_is_better(tried: Replayed, weighing: Weighing) -> None:
    if tried.better:
        text = f"A fresh head with ten times the rate reached {tried.told}."
        weighing.supports(0.6, "head_replays.lr_tenfold", tried.other, tried.as_is, text)
    else:
        weighing.doubts(0.6, f"Ten times the rate does no better ({tried.told}).")


def nonfinite(case: Case) -> Cause | None:
    """``numerics.nonfinite``: NaN or infinity in loss or gradient."""
    weighing = Weighing("numerics.nonfinite", case)
    if (
        re.search(r"\b(NaN|infinity|nan|inf|overflows)\b", case.error)
        and "in the weight backbone." not in case.error
        and "does not fit" not in case.error  # a weight file that was refused
    ):
        weighing.supports(0.95, "error", None, None, case.error.split(". ")[0] + ".")
    elif case.verdict.status == "diverged" and any(
        "not a finite" in reason for reason in case.verdict.reasons
    ):
        weighing.supports(0.95, "loss", None, None, case.verdict.reasons[0])
    count = case.probe("nonfinite", "nonfinite")
    if count:
        where = case.probes["nonfinite"].words.get("first", "the network")
        weighing.supports(
            0.9, "nonfinite.nonfinite", count, 0.0, f"{count:.0f} weights are not finite, first in {where}."
        )
    scale, before = case.signal("amp_scale"), case.trails.get("amp_scale")
    if scale is not None and scale < 1.0:
        highest = max(before.values) if before and before.values else 65536.0
        text = f"The mixed-precision scale fell to {scale:.2g}: nearly every step overflows."
        weighing.supports(0.8, "amp_scale", scale, highest, text)
    return weighing.cause(
        meaning="A number grew beyond what the computer can hold, and every step after it would be worthless. The "
        "update was not made, so the weights are those of the step before.",
        doubt="A single overflow under mixed precision is normal and is skipped.",
        fix=Fix(
            "Go on from the last checkpoint with a tenth of the learning rates; check the input range and the weight "
            "file. On CUDA, switching mixed precision off shows whether it is the precision.",
            live={
                f"{case.stage_key}{part}_lr": getattr(case.stage_config, f"{part}_lr") / 10.0
                for part in ("head", "backbone")
                if getattr(case.stage_config, f"{part}_lr") > 0.0
            },
            restart={"amp": False} if case.config.amp and scale is not None else {},
            rewind=True,
        ),
    )
