"""Hand-made cases: a healthy run, and the same run with one thing wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import Case, ProbeResult, Tail
from edgeft_core.diagnostics.causes import CAUSES, Cause
from edgeft_core.diagnostics.status import Status, Verdict
from edgeft_core.presets import recommended

LOADED = {
    "source": "demo",
    "complete": True,
    "random_share": 0.0,
    "matched": 176,
    "tensors": 176,
    "problems": [],
}
NORMAL_SIGNALS = {
    "loss": 5.0,
    "cos_different": 0.05,
    "collapse_level": 0.03,
    "logit_std_samples": 2.0,
    "logit_std_classes": 2.1,
    "saturated_share": 0.1,
    "beyond_pi_share": 0.0,
    "own_logit_gap": 0.0,
    "top1_margin": 0.1,
    "batch_label_classes": 30.0,
    "top1_running": 0.5,
    "top5_running": 0.8,
    "max_class_share": 0.01,
    "label_max_share": 0.004,
    "effective_classes": 420.0,
    "window_images": 1024.0,
    "grad_norm_head": 4.0,
    "lr_head": 3e-3,
    "update_ratio_head": 2e-3,
    "unchanged_head": 0.0,
    "head_cos_mean": 0.0,
    "effective_rank": 100.0,
    "effective_rank_centred": 110.0,
    "input_mean": -0.1,
    "input_std": 0.45,
    "input_std_images": 0.4,
    "input_min": -1.0,
    "input_max": 1.0,
    "val_top1": 0.4,
    "val_top5": 0.7,
    "val_d_prime": 2.0,
    "val_cos_different": 0.05,
}


def case(
    status: Status = "healthy",
    *,
    settings: Mapping[str, Any] | None = None,
    step: int = 600,
    signals: Mapping[str, float] | None = None,
    **changed: Any,
) -> Case:
    """A good run of 518 people after four epochs; ``settings``, ``signals`` and fields say what is different."""
    base: RunConfig = with_values(recommended(), settings or {})
    made = Case(
        run="r1",
        config=base,
        n_classes=518,
        step=step,
        steps_per_epoch=136,
        steps_total=1632,
        weights=LOADED,
        label_counts=(8,) * 518,
        split_images={"train": 4144, "validation": 1036, "test": 1036},
        first={"cos_different": 0.05},
        signals={**NORMAL_SIGNALS, **(signals or {})},
        tails={"loss": Tail((598, 599, 600), (5.1, 5.0, 5.0))},
        trails={"cos_different": Tail((1, 200, 400, 500, 600), (0.05,) * 5)},
        verdict=Verdict(status, 100),
    )
    return replace(made, **changed)


NOTHING_LEARNED = {"top1_running": 0.002, "top5_running": 0.01, "val_top1": 0.002, "val_top5": 0.01}
"""Signals of a run at chance."""


def probe(name: str, **values: float) -> dict[str, ProbeResult]:
    """One probe's result as a case holds it."""
    return {name: ProbeResult(name, values)}


def ask(name: str, of: Case) -> Cause:
    """The cause, which must be there."""
    found = CAUSES[name](of)
    assert found is not None, f"{name} sees nothing"
    assert found.id == name
    return found


def confidence(name: str, of: Case) -> float:
    """0 where the cause sees nothing."""
    found = CAUSES[name](of)
    return found.confidence if found else 0.0


def trail(*values: float, name: str = "cos_different") -> dict[str, Tail]:
    """A series over the run, evenly spaced up to step 600."""
    steps = tuple(round(1 + 599 * place / (len(values) - 1)) for place in range(len(values)))
    return {name: Tail(steps, values)}
