"""``autopilot``: switch it on or off for a run, or say what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from edgeft_core.autopilot.switch import switch_off, switch_on
from edgeft_core.cli.session import HomeOption, JsonOption, RunArgument, begin
from edgeft_core.errors import RequestError

_BY = "command line"


def autopilot(
    context: typer.Context,
    *,
    run: RunArgument,
    on: Annotated[
        bool | None,
        typer.Option(
            "--on/--off", help="Let it watch the run, or stop it; without either, say what it does."
        ),
    ] = None,
    max_acts: Annotated[
        int | None,
        typer.Option("--max-acts", metavar="N", help="How often it may rewind and apply a fix.", min=1),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rewind a run that collapses and apply a proven fix, at most so many times; off unless switched on."""
    from edgeft_core import queries  # noqa: PLC0415

    session = begin(context, home, as_json)
    if on:
        switch_on(session.home, run, max_acts=max_acts, by=_BY)
    elif on is False:
        switch_off(session.home, run, by=_BY)
    elif max_acts is not None:
        raise RequestError("--max-acts goes with --on; a number alone switches nothing.")
    status = queries.run_status(session.home, run)
    found = queries.autopilot_json(status.autopilot)
    session.answer({"run": status.id, **found}, told(found))


def told(found: Mapping[str, Any]) -> str:
    """``"autopilot watching, 0 of 2 acts: Switched on by you."``, from its part of ``show --json``."""
    acts = f", {found['acts']} of {found['max_acts']} acts" if found["on"] else ""
    reason = f": {found['reason']}" if found["reason"] else ""
    return f"autopilot {found['phase']}{acts}{reason}"
