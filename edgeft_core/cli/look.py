"""``runs``, ``show`` and ``metrics``: looking without changing anything."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from edgeft_core.cli.autopilot import told as autopilot_told
from edgeft_core.cli.session import HomeOption, JsonOption, RunArgument, Session, begin
from edgeft_core.errors import RequestError
from edgeft_core.jobs import liveness
from edgeft_core.store.contract import RunRecord

_NO_RUNS = "No runs yet; start one with: python -m edgeft_core train"
_SHOWN_FIRST = (
    "loss",
    "top1_running",
    "top5_running",
    "max_class_share",
    "logit_std_samples",
    "val_top1",
    "val_top5",
)


def runs(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 100,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs, newest first."""
    session = begin(context, home, as_json)
    liveness.reconcile(session.home)
    with session.catalog() as catalog:
        found = [_row(run) for run in catalog.runs(limit=limit)]
    session.answer(
        {"runs": found},
        _table(found) if found else _NO_RUNS,
    )


def _row(run: RunRecord) -> dict[str, Any]:
    summary, best = run.summary, run.summary.get("best") or {}
    return {
        "run": run.id,
        "name": run.name,
        "state": run.state.value,
        "preset": run.config.preset,
        "step": summary.get("step") or 0,
        "steps_total": summary.get("steps_total"),
        "best_top1": best.get("val_top1"),
        "best_top5": best.get("val_top5"),
        "created_at": run.created_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "verdict": summary.get("verdict"),
        "parent": run.parent_id,
        "error": run.error or None,
    }


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [("run", "name", "state", "verdict", "step", "best Top-1", "best Top-5", "created (UTC)")]
    for row in rows:
        total = row["steps_total"]
        cells.append(
            (
                row["run"],
                row["name"],
                row["state"],
                row["verdict"] or "",
                f"{row['step']}/{total}" if total else "",
                _percent(row["best_top1"]),
                _percent(row["best_top5"]),
                row["created_at"][:16].replace("T", " "),
            )
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def show(
    context: typer.Context, run: RunArgument, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Show a run: state, progress, rates, last numbers, applied commands."""
    from edgeft_core import queries  # noqa: PLC0415

    session = begin(context, home, as_json)
    liveness.reconcile(session.home)
    found = queries.show(session.home, run)
    session.answer(found, described(found))


def described(found: Mapping[str, Any]) -> str:
    """What ``show`` prints, from the object of ``show --json``."""
    lines = [f"{found['name']} ({found['run']}): {found['state']}"]
    if found["fork"]:
        lines.append(f"  fork of {found['fork']['name']} at step {found['fork']['step']}")
    if found["error"]:
        lines.append(f"  {found['error']}")
    lines += [f"  log: {line}" for line in found["log"]]
    total = found["steps_total"]
    if total:
        where = f"  step {found['step']}/{total}"
        if found["stage"] is not None:
            where += f", stage {found['stage'] + 1}/{found['stages']}, epoch {found['epoch']:.1f}/{found['epochs']}"
        lines.append(where + _speed(found) + f", on {found['device']}")
    if found["verdict"]:
        cause = f", likely cause: {found['likely_cause']}" if found["likely_cause"] else ""
        lines.append(f"  {found['verdict']} since step {found['since_step']}{cause}")
    if found["autopilot"]["on"] or found["autopilot"]["reason"]:
        lines.append(f"  {autopilot_told(found['autopilot'])}")
    metrics, chance = found["metrics"], found["chance"]
    shown = [name for name in _SHOWN_FIRST if metrics.get(name) is not None]
    lines += [f"  {name} {_number(name, metrics[name])}{_beside(name, chance)}" for name in shown]
    lines += [f"  warning: {warning}" for warning in found["warnings"]]
    lines += [f"  {_command(command)}" for command in found["commands"]]
    return "\n".join(lines)


def _speed(found: Mapping[str, Any]) -> str:
    if found["state"] != "running":
        return ""
    rate, eta_s = found["images_per_s"], found["eta_s"]
    speed = f", {rate:.0f} images/s" if rate is not None else ""
    return speed + (f", {eta_s:.0f} s left" if eta_s is not None else "")


def _command(command: Mapping[str, Any]) -> str:
    value = "" if command["value"] is None else f" = {command['value']}"
    step = f" from step {command['step']} on" if command["step"] is not None else ""
    reason = f" ({command['reason']})" if command["reason"] else ""
    return f"{command['key']}{value}: {command['outcome']}{step}{reason}"


def _number(name: str, value: float) -> str:
    return _percent(value) if "top" in name or name.endswith("share") else f"{value:.4g}"


def _beside(name: str, chance: Mapping[str, float | None]) -> str:
    guess = chance.get("top1" if "top1" in name else "top5" if "top5" in name else "")
    return f" (chance {_percent(guess)})" if guess is not None else ""


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def metrics(
    context: typer.Context,
    *,
    run: RunArgument,
    keys: Annotated[
        str, typer.Option(metavar="A,B,...", help="Signal names; else all that were recorded.")
    ] = "",
    last: Annotated[int, typer.Option(metavar="N", help="Only the newest N values of each.", min=1)] = 100,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the stored series."""
    from edgeft_core import queries  # noqa: PLC0415

    session = begin(context, home, as_json)
    wanted = [key.strip() for key in keys.split(",") if key.strip()]
    found = queries.metrics_json(session.home, run, keys=wanted, last=last)
    if missing := [key for key in wanted if key not in found["series"]]:
        raise RequestError(_unknown_signals(missing, session, run))
    lines = [
        f"{key}\t{step}\t{'' if value is None else f'{value:.6g}'}"
        for key, series in found["series"].items()
        for step, value in zip(series["step"], series["value"], strict=True)
    ]
    session.answer(found, "\n".join(["signal\tstep\tvalue", *lines]))


def _unknown_signals(missing: Sequence[str], session: Session, run: str) -> str:
    from edgeft_core import queries  # noqa: PLC0415

    recorded = queries.metrics_json(session.home, run, last=1)["keys"]
    if not recorded:
        return "Nothing is recorded yet; the first numbers come with the first step."
    hints = []
    for key in missing:
        near = difflib.get_close_matches(key, recorded, n=1)
        hints.append(f"{key} (did you mean {near[0]}?)" if near else key)
    return f"Not recorded: {', '.join(hints)}. There are {', '.join(recorded)}."
