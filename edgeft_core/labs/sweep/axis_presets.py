"""Axes that answer a common question, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edgeft_core.config_sweep import SweepAxis
from edgeft_core.labs.sweep.axes import LR

AXIS_PRESETS: Final[Mapping[str, tuple[SweepAxis, ...]]] = {
    "scale x temperature": (
        SweepAxis(key="head.scale", values=(2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0)),
        SweepAxis(key="head.temperature", values=(0.5, 1.0, 2.0, 4.0, 8.0)),
    ),
    "scale x learning rate": (
        SweepAxis(key="head.scale", values=(2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0)),
        SweepAxis(key=LR, values=(3e-5, 1e-4, 3e-4, 9e-4, 3e-3, 1e-2, 3e-2)),
    ),
    "margin x scale": (
        SweepAxis(key="head.margin_rad", values=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7)),
        SweepAxis(key="head.scale", values=(2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0)),
    ),
}
