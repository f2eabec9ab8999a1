"""SweepConfig: which settings of the head many heads differ in, when they are trained at once."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from edgeft_core.config_fields import Settings, setting

AxisValue = bool | float | str


class SweepAxis(Settings):
    """One setting that heads differ in: listed values, or a range.

    A grid takes the listed values, or ``points`` of the range; a random draw takes one of the listed values, or
    anything inside the range.
    """

    key: str = setting(..., "Setting", "Dotted key, such as head.scale.")
    values: tuple[AxisValue, ...] = setting((), "Values", "Values to try; empty takes the range.")
    low: float | None = setting(None, "From", "Lower end of the range.")
    high: float | None = setting(None, "To", "Upper end of the range.")
    points: int = setting(8, "Points", "Values that a grid takes from the range.", ge=2, le=64)
    log: bool = setting(False, "Logarithmic", "Spread the range by factors instead of differences.")

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if self.values:
            return self
        if self.low is None or self.high is None:
            raise ValueError(f"{self.key} has no values: list some, or give a range from low to high")
        if self.low >= self.high:
            raise ValueError(f"{self.key}: the range must rise, {self.low:g} is not below {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"{self.key}: a logarithmic range begins above 0, not at {self.low:g}")
        return self


class SweepConfig(Settings):
    """Many heads on the cached embeddings of one frozen backbone."""

    axes: tuple[SweepAxis, ...] = Field(
        title="Axes", description="Settings that heads differ in.", min_length=1, max_length=6
    )
    draws: int = setting(
        0, "Random draws", "Heads drawn at random; 0 trains the whole grid.", ge=0, le=4096, unit="heads"
    )
    frames: int = setting(
        40,
        "Looks",
        "Moments at which every head is measured: at the start often, later ever more seldom.",
        ge=2,
        le=400,
        advanced=True,
    )
    validation_images: int = setting(
        512,
        "Validation images",
        "At most so many are scored by every head at each look.",
        ge=2,
        le=100_000,
        unit="images",
        advanced=True,
    )
    heads_at_once: int = setting(
        0, "Heads at once", "0 takes as many as fit into memory.", ge=0, le=4096, unit="heads", advanced=True
    )
