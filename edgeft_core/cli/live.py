"""Verbs that act on a run: ``set``, ``undo``, ``pause``, ``resume``, ``stop``, ``checkpoint``, ``rewind``, ``replay``,
``delete``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Protocol

import typer

from edgeft_core.cli.assignments import parse_assignments
from edgeft_core.cli.session import HomeOption, JsonOption, RunArgument, Session, begin
from edgeft_core.errors import TransitionError
from edgeft_core.jobs import control, replaying
from edgeft_core.settings import Home
from edgeft_core.store.contract import CommandRecord, RunRecord

_BY = "command line"
_REFUSED = 2

TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", help="How long to wait for the outcome.", min=0.0)
]


def set_values(
    context: typer.Context,
    *,
    run: RunArgument,
    assignments: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE...", help="Such as head.temperature=1.")
    ],
    over: Annotated[
        int,
        typer.Option(
            "--over", metavar="STEPS", help="Go there gradually over so many steps; 0 jumps.", min=0
        ),
    ] = 0,
    timeout_s: TimeoutOption = 30.0,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Change live settings of a run, all in the same step; prints the step at which they took effect."""
    session = begin(context, home, as_json)
    changes = parse_assignments(assignments)
    asked = control.set_values(
        session.home, run, changes, over_steps=over, requested_by=_BY, wait_s=timeout_s
    )
    return _told(session, asked)


class _Ask(Protocol):
    """A verb of ``jobs.control`` that says nothing but which run it is about."""

    def __call__(
        self, home: Home, run: str, *, requested_by: str, wait_s: float | None
    ) -> CommandRecord | RunRecord: ...


def _verb(ask: _Ask, text: str) -> Callable[..., int]:
    """A command that asks a run and tells the outcome; ``text`` is its help."""

    def verb(
        context: typer.Context,
        *,
        run: RunArgument,
        timeout_s: TimeoutOption = 30.0,
        home: HomeOption = None,
        as_json: JsonOption = False,
    ) -> int:
        session = begin(context, home, as_json)
        return _told(session, ask(session.home, run, requested_by=_BY, wait_s=timeout_s))

    verb.__doc__ = text
    return verb


pause = _verb(control.pause, "Halt a run before its next step.")
resume = _verb(
    control.resume, "Let a paused run go on; a stopped, failed or lost one goes on from its last checkpoint."
)
stop = _verb(control.stop, "End a run with a checkpoint.")
checkpoint = _verb(control.checkpoint, "Save a checkpoint that is kept.")
undo = _verb(
    control.undo, "Take back the latest live change that still counts; again takes back the one before it."
)


def rewind(
    context: typer.Context,
    *,
    run: RunArgument,
    to_step: Annotated[
        int, typer.Option("--to", metavar="STEP", help="The newest checkpoint at or before this step.", min=0)
    ],
    timeout_s: TimeoutOption = 30.0,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take a run back to one of its checkpoints and go on; what it did since then is gone."""
    session = begin(context, home, as_json)
    return _told(session, control.rewind(session.home, run, to_step, requested_by=_BY, wait_s=timeout_s))


def replay(
    context: typer.Context,
    *,
    run: RunArgument,
    name: Annotated[str, typer.Option(help="Of the new run; else that of the old one with -replay.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start the same run again: same settings, and the same commands at the same steps."""
    session = begin(context, home, as_json)
    started = replaying.replay(session.home, run, name=name)
    data = {"run": started.id, "name": started.name, "replay_of": started.parent_id}
    session.answer(data, f"{started.id}  {started.name} repeats run {started.parent_id}")


def delete(
    context: typer.Context, run: RunArgument, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Remove a run that has ended: its checkpoints, metrics, log and rows."""
    session = begin(context, home, as_json)
    with session.catalog() as catalog:
        record = catalog.run(run)
    control.delete(session.home, record.id)
    session.answer({"run": record.id, "deleted": True}, f"{record.name} ({record.id}) is deleted")


def _told(session: Session, asked: CommandRecord | RunRecord) -> int:
    """Print what became of a request; 2 if it was refused."""
    if isinstance(asked, RunRecord):
        data = {"run": asked.id, "state": asked.state.value, "outcome": "applied"}
        session.answer(data, f"{asked.name} ({asked.id}) is {asked.state}")
        return 0
    if asked.outcome == "refused":
        raise TransitionError(f"Refused: {asked.reason}") if asked.kind != "set" else _refusal(asked)
    session.answer(_as_json(asked), _sentence(asked))
    return 0


def _refusal(asked: CommandRecord) -> TransitionError:
    changes = ", ".join(f"{key} = {value}" for key, value in asked.changes.items())
    return TransitionError(f"{changes} was refused: {asked.reason}")


def _as_json(asked: CommandRecord) -> dict[str, Any]:
    return {
        "run": asked.run_id,
        "command": asked.id,
        "kind": asked.kind,
        "changes": dict(asked.changes),
        "previous": dict(asked.previous),
        "over_steps": asked.over_steps or None,
        "to_step": asked.to_step,
        "outcome": asked.outcome,
        "step": asked.step,
        "reason": asked.reason,
    }


def _sentence(asked: CommandRecord) -> str:
    what = ", ".join(f"{key} = {value}" for key, value in asked.changes.items()) or asked.kind
    if asked.to_step is not None:
        what = f"rewind to step {asked.to_step}"
    if asked.outcome == "pending":
        return f"{what}: asked, not answered yet; show the run to see what became of it"
    if not asked.changes or asked.kind == "rewind":
        return f"{what}: done before step {asked.step}"
    if asked.over_steps and asked.step is not None:
        return f"{what}: on its way from step {asked.step} to {asked.step + asked.over_steps - 1}"
    return f"{what}: in force from step {asked.step} on"
