"""What happened to a run, as markers on charts and as a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import pandas as pd

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import settings_of, value_of
from edgeft_core.jobs.in_force import standing
from edgeft_core.queries.opened import catalog_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import AUTOPILOT, CommandRecord, HistoryRecord

MarkerKind = Literal["change", "stage", "checkpoint", "notice", "state", "verdict"]

_MARKED: Final = frozenset({"best", "manual", "verdict", "last", "start"})  # the others come all the time
_LASTING: Final = frozenset({"state", AUTOPILOT})  # no rewind takes back that they happened
_PAGE: Final = 1000
_SYMBOLS: Final = {
    "scale": "s",
    "margin_rad": "m",
    "temperature": "T",
    "head_lr": "head lr",
    "backbone_lr": "backbone lr",
}
_ARROW: Final = "\u2192"


@dataclass(frozen=True)
class Marker:
    """Something at one step that charts mark.

    Attributes:
        label: a few letters for the line itself.
        text: one sentence for the hover.
    """

    step: int
    kind: MarkerKind
    label: str
    text: str
    at: datetime


def markers(home: Home, run_id: str) -> list[Marker]:
    """Changes that took effect, stage starts, checkpoints, notices and changes of state, by step."""
    catalog = catalog_of(home)
    run = catalog.run(run_id)
    titles = {key: one.title for key, one in settings_of(run.config).items()}
    found = [
        Marker(one.step, "change", change_words(one), _change_sentence(one, titles), one.requested_at)
        for one in standing(catalog.commands(run.id))
        if one.kind == "set" and one.step is not None
    ]
    found += [
        Marker(
            one.step,
            "checkpoint",
            one.kind,
            f"{one.kind.capitalize()} checkpoint at step {one.step}",
            one.saved_at,
        )
        for one in catalog.checkpoints(run.id)
        if one.kind in _MARKED
    ]
    found += [
        marker for one in still_true(whole_history(home, run.id)) if (marker := _of_history(one)) is not None
    ]
    return sorted(found, key=lambda one: (one.step, one.at))


def still_true(history: Iterable[HistoryRecord]) -> list[HistoryRecord]:
    """What is part of the run as it stands, oldest first: a rewind takes back what came after its checkpoint."""
    found: list[HistoryRecord] = []
    for record in history:
        if record.kind == "rewound":
            found = [one for one in found if one.step <= record.step or one.kind in _LASTING]
        found.append(record)
    return found


def journal(home: Home, run_id: str) -> pd.DataFrame:
    """Every command and what became of it, newest first.

    Columns: id, kind, words, changes, requested_at, requested_by, outcome, step, reason.
    """
    catalog = catalog_of(home)
    rows = [
        {
            "id": one.id,
            "over_steps": one.over_steps,
            "kind": one.kind,
            "words": change_words(one) if one.kind in {"set", "rewind"} else one.kind,
            "undoes": "undoes" in one.options,
            "mark": str(one.options.get("verdict") or ""),
            "changes": dict(one.changes),
            "requested_at": one.requested_at,
            "requested_by": one.requested_by,
            "outcome": one.outcome,
            "step": one.step,
            "reason": one.reason,
        }
        for one in reversed(catalog.commands(catalog.run(run_id).id))
    ]
    columns = [
        "id",
        "over_steps",
        "undoes",
        "mark",
        "kind",
        "words",
        "changes",
        "requested_at",
        "requested_by",
        "outcome",
        "step",
        "reason",
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"step": "Int64"})


def autopilot_story(home: Home, run_id: str) -> list[HistoryRecord]:
    """What the autopilot did and why, newest first. Raises UnknownRunError."""
    run = catalog_of(home).run(run_id)
    return [one for one in reversed(whole_history(home, run.id)) if one.kind == AUTOPILOT]


def change_words(command: CommandRecord) -> str:
    """``"T 4 -> 1, s 16 -> 8"`` with a real arrow."""
    if command.to_step is not None:
        return f"rewind to step {command.to_step}"
    words = ", ".join(
        f"{_symbol(key)} {_change(command.previous.get(key), value)}"
        for key, value in command.changes.items()
    )
    return words + _gradually(command)


def settings_words(config: RunConfig, changes: Mapping[str, Any]) -> str:
    """``"Scale s 32 -> 16, Centre embeddings off -> on"`` with real arrows, from what ``config`` has."""
    known = settings_of(config)
    words = (
        f"{known[key].title} {_change(value_of(config, key), value)}".replace("_", " ")
        for key, value in changes.items()
        if key in known and value_of(config, key) != value
    )
    return ", ".join(words)


def _change_sentence(command: CommandRecord, titles: Mapping[str, str]) -> str:
    changes = ", ".join(
        f"{titles.get(key, key)} {_change(command.previous.get(key), value)}"
        for key, value in command.changes.items()
    )
    return f"{changes}{_gradually(command)} from step {command.step} on"


def _gradually(command: CommandRecord) -> str:
    return f" over {command.over_steps} steps" if command.over_steps else ""


def _change(before: Any, after: Any) -> str:
    return _number(after) if before is None else f"{_number(before)} {_ARROW} {_number(after)}"


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return str(value)
    return f"{value:.3g}".replace("e-0", "e-") if isinstance(value, float) else str(value)


def _symbol(key: str) -> str:
    last = key.rsplit(".", 1)[-1]
    return _SYMBOLS.get(last, last.replace("_", " "))


def _of_history(record: HistoryRecord) -> Marker | None:
    """Commands and checkpoints have tables of their own, with more in them."""
    if record.kind in {"stage", "stage_started"}:
        number, name = int(record.data.get("stage", 0)) + 1, str(record.data.get("name", record.text))
        return Marker(record.step, "stage", name, f"Stage {number} ({name}) begins", record.at)
    if record.kind == "stage_ended" and record.text == "early_stop":
        text = "The stage ends early: validation had not become better for a while"
        return Marker(record.step, "stage", "early stop", text, record.at)
    if record.kind == "state":
        error = str(record.data.get("error", ""))
        text = f"The run is {record.text}" + (f": {error}" if error else "")
        return Marker(record.step, "state", record.text, text, record.at)
    if record.kind == "verdict":
        reasons = "; ".join(str(one) for one in record.data.get("reasons") or ())
        text = f"{record.text.capitalize()} from step {record.step} on" + (f": {reasons}" if reasons else "")
        return Marker(record.step, "verdict", record.text, text, record.at)
    if record.kind == "notice":
        return Marker(record.step, "notice", str(record.data.get("level", "info")), record.text, record.at)
    return _of_a_journey(record)


def _of_a_journey(record: HistoryRecord) -> Marker | None:
    """Where the run set out from another one, or was taken back to."""
    if record.kind not in {"fork", "rewound"}:
        return None
    text = record.text[:1].upper() + record.text[1:]
    return Marker(record.step, "stage", record.kind, text, record.at)


def whole_history(home: Home, run_id: str) -> list[HistoryRecord]:
    """All that happened to a run, oldest first; ``run_id`` is a full id."""
    catalog = catalog_of(home)
    found: list[HistoryRecord] = []
    while True:
        page = catalog.history(run_id, after_id=found[-1].id if found else 0, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return found
