"""Watching a run until it ends: a progress bar on standard error, the outcome on standard output."""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from edgeft_core.cli.look import described
from edgeft_core.cli.session import Session
from edgeft_core.jobs import liveness
from edgeft_core.jobs.states import ENDED, RunState
from edgeft_core.store.contract import RunRecord

_LOOK_EVERY_S = 0.25


def follow(session: Session, run_id: str) -> int:
    """Wait until the run ends. Ctrl+C ends the waiting, not the run.

    Returns:
        0 if it finished or was stopped, 1 if it failed or was lost.
    """
    from edgeft_core import queries  # noqa: PLC0415

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[where]}"),
        TimeElapsedColumn(),
    )
    try:
        with session.catalog() as catalog, Progress(*columns, console=console) as bar:
            task = bar.add_task("queued", total=None, where="")
            while (run := catalog.run(run_id)).state not in ENDED:
                _draw(bar, task, run)
                liveness.reconcile(session.home)
                time.sleep(_LOOK_EVERY_S)
            _draw(bar, task, run)
    except KeyboardInterrupt:
        console.print(f"The run goes on; end it with: python -m edgeft_core stop {run_id}")
        raise
    found = queries.show(session.home, run_id)
    session.answer(found, described(found))
    return 1 if run.state in {RunState.FAILED, RunState.LOST} else 0


def _draw(bar: Progress, task: TaskID, run: RunRecord) -> None:
    summary = run.summary
    done, total = summary.get("step") or 0, summary.get("steps_total")
    preparing: dict[str, Any] = summary.get("progress") or {}
    if preparing and run.state not in ENDED:
        where = f"{preparing['what']} {preparing['done']}/{preparing['total']}"
    else:
        where = f"step {done}/{total}" if total else ""
    bar.update(task, description=run.state.value, completed=done, total=total, where=where)
