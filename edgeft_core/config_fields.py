"""How one setting is declared: with its bounds, unit, help text, and whether it can change while the run goes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def setting(
    default: Any,
    title: str,
    text: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    unit: str = "",
    log: bool = False,
    live: bool = False,
    advanced: bool = False,
) -> Any:
    """Declare one setting.

    Args:
        title: label of the widget.
        text: one or two sentences of help.
        unit: shown behind the value; empty for pure numbers.
        log: the quantity is multiplicative; sliders use a logarithmic scale.
        live: may change while the run goes.
        advanced: folded away at first.
    """
    extra: dict[str, Any] = {"unit": unit, "log": log, "live": live, "advanced": advanced}
    return Field(default, title=title, description=text, ge=ge, le=le, json_schema_extra=extra)


class Settings(BaseModel):
    """Frozen, and strict about names: a misspelt setting is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
