"""What a run may do by itself when it collapses."""

from __future__ import annotations

from edgeft_core.config_fields import Settings, setting


class AutopilotConfig(Settings):
    """How a run begins; it can be switched on and off, and given another number, while the run goes."""

    enabled: bool = setting(
        False,
        "Autopilot",
        "When the run collapses or diverges: try the fixes of the likeliest causes on two short twins, go back to the "
        "last healthy checkpoint and on with the first fix that is proven.",
        advanced=True,
    )
    max_acts: int = setting(
        2,
        "At most so many times",
        "So often the autopilot rewinds and applies a proven fix; after that it leaves the run alone.",
        ge=1,
        le=20,
        advanced=True,
    )
