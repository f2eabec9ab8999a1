"""Are the weights all there, and finite?"""

from __future__ import annotations

from collections.abc import Iterator

from edgeft_core.diagnostics.case import Finding, Level
from edgeft_core.diagnostics.causes.weights import named_settings
from edgeft_core.diagnostics.probes.untouched import listed, untouched
from edgeft_core.diagnostics.thresholds import NEARLY_RANDOM_SHARE
from edgeft_core.models import build_backbone
from edgeft_core.models.weights.report import KIND_WORDS, WeightsReport
from edgeft_core.preflight.network_checks.sample import NetworkSample
from edgeft_core.preflight.report import Passed

CHECK = "weights.accounting"


def weights_account(sample: NetworkSample) -> Iterator[Finding | Passed]:
    """The account of every tensor of the weight file."""
    if sample.loaded is None:
        yield Finding("weights.source", "blocking", str(sample.refusal).splitlines()[0])
        return
    report = sample.loaded.report
    if report.complete:
        yield from _complete(sample, report)
        return
    nonfinite = report.count("non_finite")
    yield Finding(
        "weights.nonfinite" if nonfinite else CHECK,
        _level(sample, report),
        _text(report, refused=sample.refusal is not None),
        cause="weights.nonfinite" if nonfinite else "weights.missing",
        values=_values(report),
        examples=tuple(account.sentence() for account in report.modules if account.problems)[:5],
        fix=named_settings(report.likely_cause),
    )


def _complete(sample: NetworkSample, report: WeightsReport) -> Iterator[Finding | Passed]:
    yield Passed(CHECK, report.summary(), _values(report))
    yield from _never_trained(sample, report)
    for caution in report.cautions:
        yield Finding("weights.caution", "info", caution)
    trains = any(stage.train_backbone for stage in sample.subject.config.stages)
    if report.source == "none" and not trains:
        yield Finding(
            "weights.random",
            "warning",
            "The backbone has random weights and no stage trains it: the head learns on features that know no faces. "
            "Choose weights, or train the backbone in a second stage.",
            values={"random_share": 1.0},
        )


def _never_trained(sample: NetworkSample, report: WeightsReport) -> Iterator[Finding]:
    """A file can hold every tensor and still be random in part: whoever saved it had loaded only half of another."""
    if report.source == "none":
        return
    config = sample.subject.config
    backbone = config.backbone.model_copy(update={"weights": "none"})
    fresh, other = (
        build_backbone(backbone, image_px=config.data.image_px, seed=config.seed + draw).module
        for draw in (1, 2)
    )
    found = untouched(sample.network, fresh, other)
    share = found.share - report.random_share
    if share < NEARLY_RANDOM_SHARE:
        return
    yield Finding(
        "weights.untouched",
        "blocking",
        f"All tensors are in the file, but {share:.0%} of the backbone's numbers lie in {len(found.modules)} modules "
        f"that hold exactly what an initialisation gives ({listed(found.modules)}): they were never trained. Whoever "
        "saved the file had loaded only part of the weights; get the original.",
        cause="weights.missing",
        values={"untouched_share": share, "modules": float(len(found.modules))},
        examples=found.modules[:5],
    )


def _level(sample: NetworkSample, report: WeightsReport) -> Level:
    """Layers that stay random are asked about even where partial loading was allowed; tensors left over are not."""
    return "blocking" if sample.refusal is not None or report.random_share > 0.0 else "warning"


def _text(report: WeightsReport, *, refused: bool) -> str:
    cause = f" Likely cause: {report.likely_cause}" if report.likely_cause else ""
    if refused:
        return f"{report.summary()}{cause} The run would stop at once."
    if report.random_share == 0.0:
        return f"{report.summary()}{cause} The network has all it needs."
    return (
        f"{report.summary()}{cause} backbone.allow_partial is on: the run would train with {report.random_share:.0%} "
        "of the backbone's numbers random."
    )


def _values(report: WeightsReport) -> dict[str, float]:
    return {
        "random_share": report.random_share,
        "tensors": report.tensors,
        "matched": report.matched,
        **{kind: report.count(kind) for kind in KIND_WORDS},
    }
