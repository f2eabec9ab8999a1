"""The same run again, from its settings and the commands that took effect. Loads without torch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from edgeft_core import store
from edgeft_core.config_keys import with_values
from edgeft_core.errors import RequestError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.forking import Origin
from edgeft_core.jobs.in_force import in_order
from edgeft_core.jobs.launching import free_name, launch
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store.contract import CommandRecord, RunRecord

_REPEATED = frozenset({"set", "rewind", "checkpoint"})


def replay(home: Home, run: str, *, name: str = "") -> RunRecord:
    """Queue a run that does what another one did: same settings, same live changes and rewinds at the same steps.

    On CPU the numbers are the same, digit for digit. Pauses, and stops that were followed by a resume, leave no
    trace. A run that was stopped is stopped at the same step; what a running one is told later, the replay is not.
    What the autopilot did is done again, and nothing else: the replay's own is off.

    Raises:
        UnknownRunError: there is no such run.
        RequestError: it is a fork, which begins with what another run learned.
    """
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        original = catalog.run(run)
        if (origin := Origin.of(original)) is not None:
            raise RequestError(
                f"Run {original.name} ({original.id}) is a {origin.words}: replay that run, and fork the replay at the "
                "same step with the same settings."
            )
        requests = again(catalog.commands(original.id), _stopped_at(original))
        chosen = name.strip() or free_name(catalog, f"{original.name}-replay")
    return launch(
        home,
        with_values(original.config, {"autopilot.enabled": False}),
        name=chosen,
        parent_id=original.id,
        summary={"replay": {"of": original.id, "until": max((one.at_step for one in requests), default=0)}},
        requests=requests,
        requested_by=f"replay of {original.name}",
    )


def again(commands: Sequence[CommandRecord], stopped_at: int | None = None) -> list[ControlRequest]:
    """The requests that have the same effect again, each with the step before which it comes."""
    requests = [
        ControlRequest(0, one.kind, {} if one.kind == "rewind" else one.changes, _dated(one))
        for one in in_order(commands)
        if one.kind in _REPEATED
    ]
    if stopped_at is not None:
        requests.append(ControlRequest(0, "stop", {}, {"at_step": stopped_at + 1}))
    return requests


def _dated(command: CommandRecord) -> dict[str, object]:
    """Ids of other commands mean nothing in another run."""
    kept = {key: value for key, value in command.options.items() if key != "undoes"}
    return {**kept, "at_step": command.step}


def _stopped_at(run: RunRecord) -> int | None:
    return int(run.summary.get("step") or 0) if run.state is RunState.STOPPED else None
