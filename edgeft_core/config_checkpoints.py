"""Which checkpoints a run keeps besides the best and the last."""

from __future__ import annotations

from edgeft_core.config_fields import Settings, setting


class CheckpointsConfig(Settings):
    """A ring of checkpoints to go back to, and marks at what happened to the run."""

    every_steps: int = setting(
        200,
        "Checkpoint ring",
        "Steps between checkpoints that the run can be taken back to; 0 saves none of them.",
        ge=0,
        le=1_000_000,
        unit="steps",
        advanced=True,
    )
    keep: int = setting(
        5, "Ring size", "So many of these are kept; the oldest makes room.", ge=1, le=100, advanced=True
    )
    keep_marked: int = setting(
        5,
        "Marked checkpoints",
        "So many are kept of those saved when the verdict changes and before a live change; 0 saves none.",
        ge=0,
        le=100,
        advanced=True,
    )
