"""``diagnose``: verdict, ranked causes with evidence, and what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from edgeft_core.cli.session import HomeOption, JsonOption, RunArgument, begin
from edgeft_core.cli.working import Working

SHOWN_AT_FIRST = 3


def diagnose(
    context: typer.Context,
    *,
    run: RunArgument,
    probes: Annotated[
        bool,
        typer.Option("--probes", help="Run the experiments first, on the run's data and last checkpoint."),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Show all causes, not the first three.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a run is doing, why, how sure that is, and what to change."""
    from edgeft_core import queries  # noqa: PLC0415

    session = begin(context, home, as_json)
    if probes:
        from edgeft_core.jobs.probing import run_probes  # noqa: PLC0415

        with Working() as working:
            run_probes(session.home, run, progress=working.tell)
    found = queries.diagnose_run(session.home, run)
    session.answer(found, told(found, every=every))


def told(found: Mapping[str, Any], *, every: bool = False) -> str:
    """What ``diagnose`` prints, from the object of ``diagnose --json``."""
    lines = [f"{found['verdict'].upper()} since step {found['since_step']} (now step {found['step']})"]
    lines += [f"  {reason}" for reason in found["reasons"]]
    if found["error"]:
        lines.append(f"  {found['error']}")
    causes: Sequence[Mapping[str, Any]] = found["causes"]
    shown = causes if every else causes[:SHOWN_AT_FIRST]
    for cause in shown:
        lines += _cause(cause)
    if not causes:
        lines.append("No cause for concern was found.")
    if len(shown) < len(causes):
        lines.append(f"{len(causes) - len(shown)} less likely causes: --all shows them.")
    return "\n".join(lines)


def _cause(cause: Mapping[str, Any]) -> list[str]:
    fix = cause["fix"]
    lines = ["", f"{cause['id']} ({cause['confidence']:.0%})", f"  {cause['meaning']}"]
    lines += [f"  - {one['text']}" for one in cause["evidence"]]
    lines += [
        f"  Fix: {fix['text']}",
        *_settings("now", fix["live"]),
        *_settings("in a new run", fix["restart"]),
    ]
    if fix["rewind"]:
        lines.append("    from an earlier checkpoint")
    if cause.get("proof"):
        lines.append(f"  Tried: {cause['proof']['sentence']}")
    return [*lines, f"  May be a false alarm: {cause['doubt']}"]


def _settings(when: str, changes: Mapping[str, Any]) -> list[str]:
    return [f"    {when}: {key}={value}" for key, value in changes.items()]
