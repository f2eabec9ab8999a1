"""Causes in the weight file."""

from __future__ import annotations

import re
from typing import Any

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes.cause import Cause, Fix, Weighing
from edgeft_core.diagnostics.causes.inputs import expected_kind
from edgeft_core.diagnostics.causes.symptoms import (
    is_bad,
    is_learning_well,
    is_lost_on_new,
    percent,
)


def missing(case: Case) -> Cause | None:
    """``weights.missing``: parts of the backbone were never loaded and are random."""
    weighing = Weighing("weights.missing", case)
    _account(case, weighing)
    _refused(case, weighing)
    _beside_random(case, weighing)
    _never_trained(case, weighing)
    _alike_at_once(case, weighing)
    if case.weights.get("source") == "none":
        _nothing_asked_for(case, weighing)
    source = case.config.backbone.weights
    likely = str(case.weights.get("likely_cause") or "")
    text = likely or "Give the file that belongs to this backbone, or the backbone that belongs to this file."
    if source == "none":
        text = "Choose weights (backbone.weights=demo, or a file), or let a stage train the backbone."
    return weighing.cause(
        meaning="Part of the backbone is random: later layers get scrambled input, and faces come out alike or at "
        "random places. No setting of the head can mend that.",
        doubt="A few missing tensors may not matter (a classifier that is not used), and a stage that trains the "
        "backbone can make up for some.",
        fix=Fix(text[0].upper() + text[1:], restart=_whole(named_settings(likely))),
    )


def named_settings(likely: str) -> dict[str, Any]:
    """The settings that the account's likely cause names, as ``backbone.name=edgeface_s_gamma_05``."""
    named = re.findall(r"(backbone\.\w+)=([\w-]+)", likely)
    return {key: value == "true" if value in {"true", "false"} else value for key, value in named}


def _whole(named: dict[str, Any]) -> dict[str, Any]:
    """Only settings that load the whole backbone: to accept a part of it mends nothing."""
    return {} if "backbone.allow_partial" in named else named


def _incomplete(case: Case) -> bool:
    """Whether tensors are missing or do not fit; one that holds NaN is there, and another cause's business."""
    kinds = {str(one.get("kind")) for one in case.weights.get("problems") or ()}
    return bool(case.weights) and not case.weights.get("complete", True) and kinds != {"non_finite"}


def _refused(case: Case, weighing: Weighing) -> None:
    """The run did not start because the file does not fit."""
    found = re.search(r"does not fit .+?: (\d+) of (\d+) tensors.+?match; (.+?)\.(?: |\n|$)", case.error)
    if found is None or re.fullmatch(r"\d+ with NaN or Inf", found[3]):
        return
    matched, tensors = int(found[1]), int(found[2])
    text = f"The run did not start: {matched} of {tensors} tensors of the file fit the network ({found[3]})."
    weighing.supports(0.97, "error", float(matched), float(tensors), text)


def _account(case: Case, weighing: Weighing) -> None:
    random = float(case.weights.get("random_share") or 0.0)
    if not _incomplete(case) or random <= 0.0 or case.weights.get("source") == "none":
        return
    strong = random >= limit.NEARLY_RANDOM_SHARE
    matched, tensors = case.weights.get("matched", 0), case.weights.get("tensors", 0)
    weighing.supports(
        0.97 if strong else 0.6,
        "weights.random_share",
        random,
        0.0,
        f"{matched} of {tensors} tensors were loaded; {percent(random)} of the backbone's numbers are random.",
    )


def _never_trained(case: Case, weighing: Weighing) -> None:
    """A complete file whose modules hold what an initialisation gives."""
    share = _untouched_share(case)
    if not share:
        return
    where = case.probes["weights_random"].words.get("untouched", "")
    text = (
        f"{percent(share)} of the backbone's numbers lie in modules that hold exactly what an initialisation gives "
        f"({where}): the file has them, but nobody ever trained them."
    )
    weighing.supports(0.95, "weights_random.untouched_share", share, 0.0, text)


def _untouched_share(case: Case) -> float:
    """Share of the backbone that was never trained though the file has it; 0 where it is none to speak of."""
    share = case.probe("weights_random", "untouched_share")
    if share is None or case.weights.get("source") == "none":
        return 0.0
    share -= float(case.weights.get("random_share") or 0.0)  # known to be random, and told
    return share if share >= limit.NEARLY_RANDOM_SHARE else 0.0


def _beside_random(case: Case, weighing: Weighing) -> None:
    """Do the loaded weights know any more than the same network at random?"""
    loaded, fresh = (case.probe("weights_random", f"d_prime_{kind}") for kind in ("loaded", "random"))
    if loaded is None or fresh is None or case.weights.get("source") == "none":
        return
    alike, random = (case.probe("weights_random", f"cos_different_{kind}") for kind in ("loaded", "random"))
    scrambled = (
        alike is not None
        and random is not None
        and case.config.data.normalisation == expected_kind(case)
        and 1.0 - random >= limit.RANGE_GAIN * (1.0 - alike)
    )
    seen = f"With these weights people are told apart by d' {loaded:.2f}, with random ones by {fresh:.2f}"
    if loaded <= limit.RANGE_INFORMATION * fresh:
        text = f"{seen}: the weights know no more about these faces than chance does."
        sure = scrambled and case.n_classes >= limit.PEOPLE_TO_COMPARE
        weighing.supports(0.6 if sure else 0.3, "weights_random.d_prime_loaded", loaded, fresh, text)
    elif not weighing.empty and not _incomplete(case) and not case.error and not _untouched_share(case):
        weighing.doubts(0.2, f"{seen}: much of what the file knows did arrive.")


def _alike_at_once(case: Case, weighing: Weighing) -> None:
    """Loaded weights and pixels where they belong, and yet all faces alike before any training?"""
    cosine = case.first.get("cos_different")
    loaded = case.weights.get("source") not in {"none", None}
    expected = case.config.data.normalisation == expected_kind(case)
    if cosine is None or cosine < limit.SPREAD_ENOUGH or not loaded or not expected:
        return
    weighing.supports(
        0.3,
        "cos_different",
        cosine,
        0.0,
        f"In the very first batch different people had a mean cosine of {cosine:.2f} although pixels were as expected: "
        "good weights do not do that.",
    )


def _nothing_asked_for(case: Case, weighing: Weighing) -> None:
    if any(one.train_backbone for one in case.config.stages[: case.stage + 1]):
        return
    if is_lost_on_new(case) and is_learning_well(case):
        inside, outside = case.signal("top1_running") or 0.0, case.signal("val_top1") or 0.0
        text = (
            f"The backbone has random weights and no stage so far trains it: the head learns {percent(inside)} of the "
            f"training images by heart, and {percent(outside)} of new ones are recognised."
        )
        # Below what makes a verdict by itself: the numbers hover around the border, and a verdict must not flicker.
        weighing.supports(0.7, "val_top1", outside, inside, text)
    if is_learning_well(case):
        return
    weighing.supports(
        0.55 if is_bad(case) else 0.3,
        "weights.random_share",
        1.0,
        0.0,
        "The backbone has random weights and this stage does not train it.",
    )


def nonfinite(case: Case) -> Cause | None:
    """``weights.nonfinite``: the file itself holds NaN or infinity."""
    weighing = Weighing("weights.nonfinite", case)
    problems = case.weights.get("problems") or ()
    broken = [str(one.get("key")) for one in problems if one.get("kind") == "non_finite"]
    if broken:
        named = ", ".join(broken[:3]) + (" ..." if len(broken) > 3 else "")
        weighing.supports(
            0.97,
            "weights.non_finite",
            len(broken),
            0.0,
            f"{len(broken)} tensors hold NaN or infinity: {named}.",
        )
    elif found := re.search(r"does not fit .+?(\d+) with NaN or Inf", case.error):
        text = f"The run did not start: {found[1]} tensors of the file hold NaN or infinity."
        weighing.supports(0.97, "error", float(found[1]), 0.0, text)
    elif "in the weight backbone." in case.error and case.step <= 1:
        weighing.supports(0.95, "error", None, None, case.error.split(". ")[0] + ".")
    count = case.probe("weights_random", "nonfinite_loaded")
    if count:
        weighing.supports(
            0.97,
            "weights_random.nonfinite_loaded",
            count,
            0.0,
            f"{count:.0f} numbers of the backbone are not finite.",
        )
    return weighing.cause(
        meaning="The weight file is broken: one NaN spreads to every embedding.",
        doubt="Hardly: a weight is a number or it is not.",
        fix=Fix(
            "Get the file again, or an earlier checkpoint of the run that wrote it.",
            restart={"backbone.weights": "demo"},
        ),
    )
