"""``fork``: a run that sets out from a checkpoint of another one."""

from __future__ import annotations

from typing import Annotated

import typer

from edgeft_core.cli.assignments import parse_assignments
from edgeft_core.cli.session import HomeOption, JsonOption, RunArgument, begin
from edgeft_core.jobs.forking import Origin
from edgeft_core.jobs.forking import fork as fork_run


def fork(
    context: typer.Context,
    *,
    run: RunArgument,
    at: Annotated[
        int | None,
        typer.Option(metavar="STEP", help="The newest checkpoint at or before it; else the newest.", min=0),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting; may be given many times."),
    ] = None,
    name: Annotated[str, typer.Option(help="The new run's name.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Show progress, and return how the run ended.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Start a run from a checkpoint of another one, with other settings, and print its id."""
    session = begin(context, home, as_json)
    child = fork_run(session.home, run, parse_assignments(assignments or []), at=at, name=name)
    if wait:
        from edgeft_core.cli.following import follow  # noqa: PLC0415

        return follow(session, child.id)
    origin = Origin.of(child)
    assert origin is not None
    data = {
        "run": child.id,
        "name": child.name,
        "state": child.state.value,
        "parent": origin.parent,
        "step": origin.step,
        "checkpoint": origin.kind,
        "folder": str(session.home.run_folder(child.id)),
        "log": str(session.home.log_file(child.id)),
    }
    session.answer(data, child.id)
    return 0
