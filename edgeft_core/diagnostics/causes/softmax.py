"""Causes in scale, temperature and margin, and in how accuracy is computed."""

from __future__ import annotations

import math

from edgeft_core.diagnostics import theory
from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes.cause import Cause, Fix, Weighing
from edgeft_core.diagnostics.causes.symptoms import (
    different_people,
    is_learning_well,
    is_proven,
    percent,
    replayed,
    well_above,
)


def useful_scale(case: Case) -> float:
    """A scale for the temperature in force: one and a half times CosFace's bound, at least 16."""
    s_eff = max(limit.USEFUL_SCALE, math.ceil(1.5 * theory.cosface_scale_bound(case.n_classes)))
    return min(256.0, s_eff * case.config.head.temperature)


def scale_too_low(case: Case) -> Cause | None:
    """``scale.too_low``: s / T cannot reach a useful probability."""
    if case.n_classes < 2:
        return None
    weighing = Weighing("scale.too_low", case)
    reach = theory.attainable_probability(case.s_eff, case.n_classes)
    bound = theory.cosface_scale_bound(case.n_classes)
    if reach < limit.USEFUL_REACH:
        poor = min(1.0, max(0.0, (limit.USEFUL_REACH - reach) / (limit.USEFUL_REACH - limit.POOR_REACH)))
        weighing.supports(
            0.45 + 0.35 * poor,
            "s / T",
            case.s_eff,
            bound,
            f"s / T = {case.s_eff:.3g} reaches a probability of {percent(reach)} at best with {case.n_classes} "
            f"classes; 95 % need {bound:.3g}.",
        )
    if weighing.empty:
        return None
    _higher_is_better(case, weighing, reach)
    _not_the_embeddings(case, weighing)
    _no_harm_seen(
        case, weighing, "Which class is first does not depend on s and T, and training images are recognised"
    )
    head = case.config.head
    live = {"head.temperature": 1.0} if head.temperature > 1.0 and head.scale >= bound else {}
    return weighing.cause(
        meaning="Even a perfect embedding would get almost no probability, so the gradient hardly depends on whether "
        "the model is right: it learns slowly and never becomes sure.",
        doubt="It slows learning, it does not collapse embeddings: if one class is predicted for all faces, look for "
        "another cause as well.",
        fix=Fix(
            f"Raise s / T to {useful_scale(case) / head.temperature:.2g} or more, by lowering T or raising s. Only "
            "their ratio matters, and it never changes which class a given model predicts.",
            live=live or {"head.scale": useful_scale(case)},
        ),
    )


def _higher_is_better(case: Case, weighing: Weighing, reach: float) -> None:
    found = replayed(case, "recommended", factor=1.3)
    if found is None:
        return
    if found.better:
        text = f"A fresh head at the recommended scale reached {found.told}."
        weighing.supports(0.6, "head_replays.recommended", found.other, found.as_is, text)
    elif found.no_better and (reach >= limit.POOR_REACH or found.other < 0.8 * found.as_is):
        weighing.doubts(0.4, f"The recommended scale does no better in a replay ({found.told}).")


def _no_harm_seen(case: Case, weighing: Weighing, text: str) -> None:
    """Settings that look wrong are a note, and no alarm, once most faces are recognised and new ones with them."""
    if is_proven(case):
        share = percent(case.signal("top1_running") or 0.0)
        weighing.doubts(0.5, f"{text}: {share} by now. There is no need to act; it could only learn faster.")
    elif is_learning_well(case):
        weighing.doubts(0.25, f"{text}.")


def _not_the_embeddings(case: Case, weighing: Weighing) -> None:
    cosine = different_people(case)
    if cosine is not None and cosine >= limit.COLLAPSED_COSINE:
        weighing.doubts(
            0.4, f"Embeddings are alike (mean cosine {cosine:.2f}): that hurts more than the scale."
        )


def scale_too_high(case: Case) -> Cause | None:
    """``scale.too_high``: the softmax is sure of random directions."""
    if case.n_classes < 2:
        return None
    weighing = Weighing("scale.too_high", case)
    bound = theory.cosface_scale_bound(case.n_classes)
    noise = case.s_eff**2 / (2.0 * case.config.backbone.embedding_dim)
    if case.n_classes > 1 and noise > limit.NOISE_OVER_GUESSING * math.log(case.n_classes):
        far = min(1.0, math.log(noise / math.log(case.n_classes)) / math.log(10.0))
        weighing.supports(
            0.55 + 0.25 * far,
            "s / T",
            case.s_eff,
            bound,
            f"s / T = {case.s_eff:.3g} makes random directions cost {noise:.2g} nats more than guessing does "
            f"({math.log(case.n_classes):.2g}); {bound:.3g} is enough for 95 %.",
        )
    saturated, top1 = case.signal("saturated_share"), case.signal("top1_running")
    if saturated is not None and top1 is not None and saturated - top1 >= limit.SATURATED_WRONG:
        weighing.supports(
            0.7,
            "saturated_share",
            saturated,
            top1,
            f"The softmax is more than 99 % sure of {percent(saturated)} of the images and right for {percent(top1)}.",
        )
    _lower_is_better(case, weighing)
    if not weighing.empty:
        _no_harm_seen(case, weighing, "Training images are recognised well above chance all the same")
    return weighing.cause(
        meaning="The softmax is sure before it knows anything: most images give no gradient, a few wrong ones give all "
        "of it, and training hops from one to the next.",
        doubt="Large scales (64) are usual with many classes and long training.",
        fix=Fix(
            f"Lower the scale to about {useful_scale(case):.2g}; it can be changed while the run goes.",
            live={"head.scale": useful_scale(case)},
        ),
    )


def _lower_is_better(case: Case, weighing: Weighing) -> None:
    found = replayed(case, "recommended", factor=1.2)
    if weighing.empty or found is None:
        return
    if found.better:
        text = f"A fresh head at the recommended scale reached {found.told}."
        weighing.supports(0.6, "head_replays.recommended", found.other, found.as_is, text)
    elif found.no_better and found.as_is < limit.REPLAY_SATURATED:
        weighing.doubts(0.3, f"The recommended scale does no better in a replay ({found.told}).")


def margin_too_large(case: Case) -> Cause | None:
    """``margin.too_large``: the loss asks for more than embeddings can give."""
    head = case.config.head
    if head.kind == "softmax" or head.margin_rad == 0.0:
        return None
    weighing = Weighing("margin.too_large", case)
    if head.margin_rad >= limit.MARGIN_LARGE_RAD:
        over = min(1.0, (head.margin_rad - limit.MARGIN_LARGE_RAD) / 0.6)
        text = f"The margin is {head.margin_rad:.2g}; published values are .2 to .5."
        weighing.supports(0.45 + 0.25 * over, "margin_rad", head.margin_rad, 0.5, text)
    beyond = case.signal("beyond_pi_share")
    if head.kind == "arcface" and beyond is not None and beyond >= limit.BEYOND_PI:
        text = f"For {percent(beyond)} of the images angle plus margin exceeds 180 degrees."
        wide = (
            head.margin_rad >= limit.MARGIN_LARGE_RAD
        )  # a published one is passed by single images in any run
        weighing.supports(0.5 if wide else 0.35, "beyond_pi_share", beyond, 0.0, text)
    plain, inside = case.signal("top1_running"), case.signal("top1_margin")
    right = well_above(case, plain)
    wide = head.margin_rad >= 0.8 * limit.MARGIN_LARGE_RAD
    if (
        plain is not None
        and inside is not None
        and right
        and wide
        and inside <= 0.05 * plain
        and _still_costly(case)
    ):
        text = f"Top-1 is {percent(plain)}, but {percent(inside)} with the margin on: the loss counts all as wrong."
        weighing.supports(0.5, "top1_margin", inside, plain, text)
    _without_margin(case, weighing)
    return weighing.cause(
        meaning="The own class is scored so much worse than it is that the loss stays high for faces that are already "
        "recognised: the gradient pushes everything, also what was right.",
        doubt="With the margin on accuracy is low for long in any run; plain accuracy is what counts.",
        fix=Fix(
            "Lower the margin to .2 and raise it once plain Top-1 is good; it can be changed while the run goes.",
            live={"head.margin_rad": 0.2},
        ),
    )


def _still_costly(case: Case) -> bool:
    """Whether the loss is still near that of a head that knows nothing."""
    loss, head = case.signal("loss"), case.config.head
    dim = case.config.backbone.embedding_dim
    first = theory.expected_first_loss(case.n_classes, case.s_eff, head.margin_rad, dim)
    return loss is not None and loss > 0.75 * first


def _without_margin(case: Case, weighing: Weighing) -> None:
    found = replayed(case, "recommended", factor=1.2)
    if weighing.empty or found is None:
        return
    if found.better:
        text = f"A fresh head with a margin of .2 at most reached {found.told}."
        weighing.supports(0.6, "head_replays.recommended", found.other, found.as_is, text)
    elif found.no_better and found.as_is < limit.REPLAY_SATURATED:
        weighing.doubts(0.3, f"With the recommended margin a fresh head does no better ({found.told}).")


def margin_in_accuracy(case: Case) -> Cause | None:
    """``eval.margin``: labels are inside the scores from which accuracy is computed."""
    weighing = Weighing("eval.margin", case)
    gap = case.signal("own_logit_gap")
    if gap is not None and abs(gap) > limit.MARGIN_IN_SCORES * case.s_eff:
        weighing.supports(
            0.95,
            "own_logit_gap",
            gap,
            0.0,
            f"The own class' logit is {gap:.2g} lower than its cosine says: the margin is in the scores.",
        )
    inside, outside = case.signal("top1_running"), case.signal("val_top1")
    if inside is not None and outside is not None and outside > 0.1 and outside > 3.0 * inside:
        weighing.supports(
            0.35,
            "val_top1",
            outside,
            inside,
            f"Top-1 is {percent(outside)} in validation and {percent(inside)} in training: those scores are too low.",
        )
    return weighing.cause(
        meaning="Accuracy is computed from the logits that go into the loss. There the own class is made worse on "
        "purpose, so accuracy looks like 0 while the model is right.",
        doubt="Strong augmentation also makes training accuracy lower than validation's.",
        fix=Fix("Compute accuracy from plain cosines, without labels in the head's forward pass."),
    )
