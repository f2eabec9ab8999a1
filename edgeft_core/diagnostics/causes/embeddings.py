"""Causes in the embeddings themselves."""

from __future__ import annotations

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes.cause import Cause, Fix, Weighing
from edgeft_core.diagnostics.causes.symptoms import (
    different_people,
    is_bad,
    is_learning_well,
    is_one_point,
    knows_identities,
    largest_pull,
    percent,
    replayed,
    rose_in_stage,
    validation_at_chance,
    was_healthy_at_first,
)


def common_mode(case: Case) -> Cause | None:
    """``embedding.common_mode``: all embeddings share one direction but differ besides."""
    weighing = Weighing("embedding.common_mode", case)
    cosine = different_people(case)
    if cosine is None or cosine < limit.CROWDED_COSINE or case.config.head.centre:
        return None
    crowd = (cosine - limit.CROWDED_COSINE) / (1.0 - limit.CROWDED_COSINE)
    text = f"Faces of different people have a mean cosine of {cosine:.2f}: they share one direction."
    weighing.supports(0.2 + 0.4 * crowd, "cos_different", cosine, 0.0, text)
    _rank_after_centring(case, weighing)
    _means_after_centring(case, weighing)
    _replayed_centred(case, weighing)
    known = knows_identities(case)
    if is_one_point(case):
        weighing.doubts(0.9, "Every face has the very same vector: beside that direction there is nothing.")
    elif known:
        d_prime = case.signals["val_d_prime"]
        text = f"Beside that direction they do tell people apart (d' {d_prime:.2f})."
        weighing.supports(0.3, "val_d_prime", d_prime, 0.0, text)
    elif known is False:
        d_prime = case.signals["val_d_prime"]
        weighing.doubts(
            0.7, f"Beside that direction they do not tell people apart either (d' {d_prime:.2f})."
        )
    if is_learning_well(case):
        text = "The head copes with it: training images are recognised well above chance."
        weighing.doubts(0.2 if cosine >= limit.COLLAPSED_COSINE else 0.5, text)
    return weighing.cause(
        meaning="Every embedding has the same large part in common. The head sees mostly that part, so one class wins "
        "for all faces, although the rest of the embedding knows who is who.",
        doubt="Some shared direction is normal; it matters when the rest is small beside it.",
        fix=Fix(
            "Centre the embeddings: the running mean is subtracted before the head. It can be switched on now. Scale "
            "and temperature do not help, they leave the direction where it is.",
            live={"head.centre": True},
        ),
    )


def _rank_after_centring(case: Case, weighing: Weighing) -> None:
    raw, centred = case.signal("effective_rank"), case.signal("effective_rank_centred")
    if raw is not None and centred is not None and centred >= 2.0 * raw:
        weighing.supports(
            0.5,
            "effective_rank_centred",
            centred,
            raw,
            f"Without their mean the embeddings use {centred:.0f} directions, with it {raw:.0f}.",
        )


def _means_after_centring(case: Case, weighing: Weighing) -> None:
    raw, centred = (case.probe("nearest_class_mean", name) for name in ("ncm_top1", "ncm_top1_centred"))
    chance = case.probe("nearest_class_mean", "chance") or case.chance
    if raw is None or centred is None:
        return
    if centred > 3.0 * chance and centred >= 1.2 * raw:
        weighing.supports(
            0.8,
            "nearest_class_mean.ncm_top1_centred",
            centred,
            raw,
            f"Nearest class means are right for {percent(centred)} with the mean removed, {percent(raw)} without "
            f"(chance {percent(chance)}).",
        )
    elif centred <= 3.0 * chance:
        weighing.doubts(
            0.8, f"Removing the mean helps nothing: {percent(centred)} right, chance {percent(chance)}."
        )


def _replayed_centred(case: Case, weighing: Weighing) -> None:
    found = replayed(case, "centred", factor=1.3)
    if found is None:
        return
    if found.better:
        text = f"A fresh head on centred embeddings reached {found.told}."
        weighing.supports(0.7, "head_replays.centred", found.other, found.as_is, text)
    elif found.no_better and found.as_is < limit.REPLAY_SATURATED:
        weighing.doubts(0.3, f"A fresh head is not helped by centring ({found.told}).")


def collapsed(case: Case) -> Cause | None:
    """``embedding.collapsed``: embeddings carry no identity at all."""
    weighing = Weighing("embedding.collapsed", case)
    cosine = different_people(case)
    if cosine is not None and cosine >= limit.COLLAPSED_COSINE:
        since = was_healthy_at_first(case)
        weighing.supports(
            0.7 if since else 0.4,
            "cos_different",
            cosine,
            case.first.get("cos_different", 0.0),
            f"Faces of different people have a mean cosine of {cosine:.2f}"
            + (f"; it was {case.first['cos_different']:.2f} at the start." if since else "."),
        )
    if is_one_point(case):
        spread = case.signal("logit_std_samples")
        text = "Logits of different faces differ by no more than numbers are rounded: all have the very same vector."
        weighing.supports(0.7, "logit_std_samples", spread, limit.ROUNDING * case.s_eff, text)
    _nearest_means(case, weighing)
    if weighing.empty:
        return None
    known = knows_identities(case)
    if known is False:
        text = f"Images of one person are no more alike than those of others (d' {case.signals['val_d_prime']:.2f})."
        weighing.supports(0.5, "val_d_prime", case.signals["val_d_prime"], 0.0, text)
    elif known:
        weighing.doubts(0.5, f"People can still be told apart (d' {case.signals['val_d_prime']:.2f}).")
    if is_learning_well(case) and validation_at_chance(case):
        top1, outside = case.signal("top1_running"), case.signal("val_top1")
        text = f"Training images are learned by heart; of new ones {percent(outside or 0.0)} are recognised (chance "
        weighing.supports(0.4, "val_top1", outside, top1, f"{text}{percent(case.chance)}).")
    elif is_learning_well(case):
        weighing.doubts(0.7, "Training images are recognised well above chance.")
    return weighing.cause(
        meaning="The backbone gives nearly the same vector for every face. What it knew about people is gone, and no "
        "setting of the head brings it back.",
        doubt="If the mean is removed and people separate again, it is only a shared direction.",
        fix=Fix(
            "Go back to a checkpoint from before the collapse and train the backbone more gently (a tenth of its "
            "learning rate), with the head's loss on.",
            restart=_gentler(case),
            rewind=True,
        ),
    )


def _nearest_means(case: Case, weighing: Weighing) -> None:
    centred = case.probe("nearest_class_mean", "ncm_top1_centred")
    chance = case.probe("nearest_class_mean", "chance") or case.chance
    if centred is None:
        return
    if centred <= 3.0 * chance:
        cosine = different_people(case)
        alike = cosine is not None and cosine >= limit.COLLAPSED_COSINE  # else the names may be to blame
        weighing.supports(
            0.85 if alike else 0.35,
            "nearest_class_mean.ncm_top1_centred",
            centred,
            chance,
            f"Even with the mean removed nearest class means are right for {percent(centred)} (chance "
            f"{percent(chance)}).",
        )
    elif not weighing.empty:
        weighing.doubts(0.8, f"With the mean removed nearest class means are right for {percent(centred)}.")


def _gentler(case: Case) -> dict[str, float]:
    key = f"{case.stage_key}backbone_lr"
    return {key: case.stage_config.backbone_lr / 10.0} if case.stage_config.train_backbone else {}


def alignment_only(case: Case) -> Cause | None:
    """``embedding.alignment_only``: the SR/HR term pulls everything together."""
    weight = case.stage_config.contrastive_weight
    if not case.stage_config.train_backbone or weight <= 0.0:
        return None
    weighing = Weighing("embedding.alignment_only", case)
    share = largest_pull(case)
    if share is not None and share >= limit.PULL_SHARE:
        weighing.supports(
            0.3 + 0.5 * min(1.0, (share - limit.PULL_SHARE) / 0.3),
            "contrastive_gradient_share",
            share,
            limit.PULL_SHARE,
            f"Up to {percent(share)} of the pull at the embeddings came from the SR/HR term in this stage, which has "
            "nothing that pushes people apart.",
        )
    rise = rose_in_stage(case, "cos_different")
    if rise >= limit.COSINE_RISE:
        weighing.supports(
            0.6,
            "cos_different",
            case.signal("cos_different"),
            None,
            f"Different people's mean cosine rose by {rise:.2f} in this stage while pairs were pulled together.",
        )
    elif not weighing.empty and not is_bad(case):
        weighing.doubts(0.5, "Different people have not come closer so far.")
    if share is not None and share < limit.PULL_HARMLESS:
        weighing.doubts(0.6, f"The SR/HR term makes only {percent(share)} of the pull.")
    return weighing.cause(
        meaning="1 - cos(SR, HR) is smallest when every face has the same embedding. Nothing in it keeps people apart, "
        "so it ends in one point when it outweighs the head.",
        doubt="With a small weight it does what it should: the enlarged face gets the original's embedding.",
        fix=Fix(
            f"Lower the SR/HR weight ({weight:g}) so that the head's loss, which pushes people apart, decides; "
            "go back to a checkpoint from before the cosine rose.",
            live={f"{case.stage_key}contrastive_weight": 0.0 if weight <= 0.3 else 0.1},
            rewind=True,
        ),
    )


def train_eval(case: Case) -> Cause | None:
    """``mode.train_eval``: the network computes something else in training than in evaluation."""
    weighing = Weighing("mode.train_eval", case)
    same = case.probe("train_eval", "cos_train_eval")
    if same is not None and same < limit.SAME_PASS_COSINE:
        weighing.supports(
            0.6 + 0.35 * min(1.0, (1.0 - same) / 0.2),
            "train_eval.cos_train_eval",
            same,
            1.0,
            f"One image has a cosine of {same:.2f} between its embedding in training and in evaluation mode.",
        )
    _twins_apart(case, weighing)
    inside, outside = case.signal("cos_different"), case.signal("val_cos_different")
    if (
        case.stage_config.train_backbone
        and inside is not None
        and outside is not None
        and outside - inside > 0.3
    ):
        weighing.supports(
            0.55,
            "val_cos_different",
            outside,
            inside,
            f"Different people have a mean cosine of {outside:.2f} in evaluation but {inside:.2f} in training.",
        )
    if same is not None and same >= limit.SAME_PASS_COSINE and not weighing.empty:
        weighing.doubts(0.9, f"Both passes give the same embeddings (cosine {same:.3f}).")
    return weighing.cause(
        meaning="Dropout or BatchNorm statistics make training and evaluation two different networks: what is learned "
        "in one does not hold in the other.",
        doubt="A little dropout is meant to differ.",
        fix=Fix(
            "Use a backbone without BatchNorm or dropout (the EdgeFace ones have none), or more images per batch if "
            "its statistics are trained.",
        ),
    )


def _twins_apart(case: Case, weighing: Weighing) -> None:
    """Two passes over one face, at its two resolutions: alike in evaluation and not in training?

    Dropout draws another mask for each pass, so with a share p the cosine falls to 1 - p of what it is.
    """
    seen = case.in_stage("cos_same_image").values[-limit.RECENT_POINTS :]
    outside = case.signal("val_cos_same_image")
    if not case.stage_config.train_backbone or outside is None or len(seen) < limit.RECENT_POINTS:
        return
    inside = sum(seen) / len(seen)
    apart = outside - inside
    if apart >= limit.PASSES_APART:
        weighing.supports(
            0.5 + 0.45 * min(1.0, (apart - limit.PASSES_APART) / 0.35),
            "cos_same_image",
            inside,
            outside,
            f"A face at its two resolutions has a cosine of {inside:.2f} in training and {outside:.2f} in evaluation.",
        )
