"""Numbers of signals, settings and experiments as people read them."""

from __future__ import annotations

from typing import Final

from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.figures import theme

# Experiments name their values themselves; these beginnings are those of shares.
_SHARES: Final = (
    *("ncm_top", "top1_", "top5_", "train_top", "memorised", "chance", "within_train", "train_to_validation"),
    *("unchanged_", "max_class_share", "random_head_"),
)
_SURE: Final = ((0.85, "almost certain"), (0.6, "likely"), (0.3, "possible"), (0.0, "unlikely"))


def shown(name: str, value: float | None) -> str:
    """A value with its unit; ``name`` is a signal, a setting or ``probe.value``."""
    if value is None:
        return ""
    if is_share(name):
        return theme.format_percent(value)
    unit = SIGNALS[name].unit if name in SIGNALS else ""
    return f"{theme.format_number(value)} {unit}" if unit in {"nats", "rad"} else theme.format_number(value)


def is_share(name: str) -> bool:
    """Whether the number is shown as percent."""
    if name in SIGNALS:
        return SIGNALS[name].unit == "share"
    value = name.rsplit(".", 1)[-1]
    return value.startswith(_SHARES) or value.endswith("_share")


def sureness(confidence: float) -> str:
    """``"almost certain"`` and so on: what a confidence means in words."""
    return next(words for least, words in _SURE if confidence >= least)
