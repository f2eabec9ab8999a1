"""Causes: each a function from a case to an explanation with its confidence, or None. Loads without torch.

To add one, write the function in the file of its family and name it here; ids are a public vocabulary and are
never renamed. ``docs/causes.md`` has a paragraph on each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.causes import embeddings, inputs, labels, softmax, training, weights
from edgeft_core.diagnostics.causes.cause import Cause, Evidence, Fix
from edgeft_core.diagnostics.causes.early import early

__all__ = ["CAUSES", "EXPLAINS", "Cause", "Evidence", "Fix"]

CAUSES: Mapping[str, Callable[[Case], Cause | None]] = {
    "weights.missing": weights.missing,
    "weights.nonfinite": weights.nonfinite,
    "input.range": inputs.wrong_range,
    "input.constant": inputs.constant,
    "embedding.common_mode": embeddings.common_mode,
    "embedding.collapsed": embeddings.collapsed,
    "embedding.alignment_only": embeddings.alignment_only,
    "mode.train_eval": embeddings.train_eval,
    "head.not_training": training.head_not_training,
    "backbone.not_training": training.backbone_not_training,
    "head.collapsed": training.head_collapsed,
    "lr.too_high": training.rate_too_high,
    "lr.too_low": training.rate_too_low,
    "scale.too_low": softmax.scale_too_low,
    "scale.too_high": softmax.scale_too_high,
    "margin.too_large": softmax.margin_too_large,
    "labels.shuffled": labels.shuffled,
    "labels.split_mismatch": labels.split_mismatch,
    "labels.out_of_range": labels.out_of_range,
    "sampling.single_class": labels.single_class,
    "data.imbalance": labels.imbalance,
    "eval.margin": softmax.margin_in_accuracy,
    "numerics.nonfinite": training.nonfinite,
    "early": early,
}

_EMBEDDINGS = ("embedding.common_mode", "embedding.collapsed", "head.collapsed")
_LABELS = ("labels.shuffled", "labels.split_mismatch")

EXPLAINS: Mapping[str, tuple[str, ...]] = {
    "weights.nonfinite": ("numerics.nonfinite", *_EMBEDDINGS),
    "weights.missing": (*_EMBEDDINGS, "lr.too_low", *_LABELS),
    "input.constant": ("input.range", *_EMBEDDINGS, *_LABELS, "weights.missing", "lr.too_low"),
    "input.range": (
        *("input.constant", *_EMBEDDINGS, *_LABELS, "lr.too_low"),
        *("weights.missing", "numerics.nonfinite"),
    ),
    "embedding.alignment_only": _EMBEDDINGS,
    "embedding.collapsed": ("embedding.common_mode", "head.collapsed", *_LABELS),
    "lr.too_high": (*_EMBEDDINGS, "numerics.nonfinite"),
    "head.not_training": ("lr.too_low", "head.collapsed", "embedding.common_mode"),
    "sampling.single_class": ("head.collapsed", "data.imbalance", "labels.split_mismatch", "lr.too_high"),
    "labels.shuffled": ("embedding.collapsed",),
    "labels.split_mismatch": ("labels.shuffled", "embedding.collapsed"),
    "labels.out_of_range": ("data.imbalance",),
    "margin.too_large": ("eval.margin", "head.collapsed"),
}
"""What a cause brings about: consequences step back behind it when it is certain."""
