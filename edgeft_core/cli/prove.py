"""``prove`` and ``apply``: try a fix on two short twins of a run, and give the run a fix that helped."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from edgeft_core.cli.assignments import parse_assignments
from edgeft_core.cli.session import HomeOption, JsonOption, RunArgument, begin
from edgeft_core.cli.working import Working
from edgeft_core.errors import RequestError
from edgeft_core.proof.record import OWN_CHANGES, Proof, Remedy
from edgeft_core.settings import Home

_COULD_NOT = 1

CauseOption = Annotated[
    str, typer.Option("--cause", metavar="ID", help="A cause that diagnose names; else the likeliest.")
]


def prove(
    context: typer.Context,
    *,
    run: RunArgument,
    cause: CauseOption = "",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Try this instead; may be given many times."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Try a fix on two short twins of a run, with and without it, and say whether it helps.

    The run itself is not changed. Returns 1 if the fix could not be tried.
    """
    session = begin(context, home, as_json)
    remedy = _remedy(session.home, run, cause, parse_assignments(assignments or []))
    from edgeft_core.jobs.proving import prove as prove_now  # noqa: PLC0415

    with Working() as working:
        proof = prove_now(session.home, run, remedy, working.tell)
    with session.catalog() as catalog:
        run_id = catalog.run(run).id
    session.answer({"run": run_id, **proof.as_dict()}, told(proof, run))
    return _COULD_NOT if proof.outcome == "could_not_run" else 0


def apply(
    context: typer.Context,
    *,
    run: RunArgument,
    cause: CauseOption = "",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also a fix that was tried and not verified.")
    ] = False,
    stop_first: Annotated[
        bool, typer.Option("--stop", help="End the run where a new one takes its place.")
    ] = False,
    name: Annotated[str, typer.Option(help="The name of a new run.")] = "",
    timeout_s: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", help="How long to wait for the outcome.", min=0.0)
    ] = 30.0,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a run a fix that was proven: live settings at once, others as a new run."""
    from edgeft_core import queries  # noqa: PLC0415
    from edgeft_core.jobs.applying import apply_remedy  # noqa: PLC0415

    session = begin(context, home, as_json)
    proof = queries.proof_to_apply(session.home, run, cause)
    if proof.outcome != "verified" and not anyway:
        raise RequestError(
            f"The fix of {proof.cause} was not verified ({proof.sentence.rstrip('.')}); apply it all the same with "
            "--anyway."
        )
    done = apply_remedy(
        session.home, run, proof.remedy, proof=proof, stop_first=stop_first, name=name, wait_s=timeout_s
    )
    data: dict[str, Any] = {
        "run": done.run.id,
        "name": done.run.name,
        "way": done.way,
        "cause": proof.cause,
        "changes": proof.remedy.changes,
        "outcome": done.command.outcome if done.command else "applied",
        "step": done.command.step if done.command else None,
    }
    session.answer(data, done.text)


def _remedy(home: Home, run: str, cause: str, changes: Mapping[str, Any]) -> Remedy:
    from edgeft_core import queries  # noqa: PLC0415
    from edgeft_core.proof.plan import remedy_of  # noqa: PLC0415

    if changes:
        return remedy_of(queries.case_of(home, run).config, changes, cause or OWN_CHANGES)
    return queries.remedy_for(home, run, cause)


def told(proof: Proof, run: str) -> str:
    """What ``prove`` prints of a run that the user calls ``run``."""
    lines = [proof.sentence, *(f"  {reason}" for reason in proof.reasons)]
    if proof.start_text:
        changes = ", ".join(f"{key}={value}" for key, value in proof.remedy.changes.items())
        lines.append(f"  Tried: {changes}, {proof.start_text}.")
    lines += [f"  {note}" for note in proof.notes]
    if proof.outcome == "verified":
        lines.append(f"Apply it with: python -m edgeft_core apply {shlex.quote(run)} --cause {proof.cause}")
    return "\n".join(lines)
