"""Runs that were made from other runs, under them: forks, restarts, replays, and what an autopilot made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Relatives:
    """Ids of the runs that a run was made from, and that were made from it (oldest first).

    Attributes:
        parent: empty for a run of its own, or where the parent was deleted.
    """

    parent: str
    children: tuple[str, ...]


def in_families(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``runs_table`` with children under their parents, oldest child first.

    The family of the newest run comes first. A further column ``depth`` counts generations: 0 for a run of its own.
    It takes a time in proportion to the number of runs, and reads nothing.
    """
    parents = _parents(table)
    order = _ordered(parents)
    rows, depths = [row for row, _ in order], [depth for _, depth in order]
    return table.iloc[rows].assign(depth=depths).reset_index(drop=True)


def relatives(table: pd.DataFrame, run_id: str) -> Relatives:
    """The next of kin of a run that is in the table of :func:`in_families`."""
    ids: list[str] = table["id"].tolist()
    parents = _parents(table)
    me = ids.index(run_id)
    parent = parents[me]
    children = [ids[row] for row, its_parent in enumerate(parents) if its_parent == me]
    return Relatives("" if parent is None else ids[parent], tuple(children))


def _parents(table: pd.DataFrame) -> list[int | None]:
    """For each row, the row of its parent; None where it has none, or the parent is not there."""
    rows = {run_id: row for row, run_id in enumerate(table["id"])}
    return [
        rows.get(parent_id) if parent_id != run_id else None
        for run_id, parent_id in zip(table["id"], table["parent_id"], strict=True)
    ]


def _ordered(parents: Sequence[int | None]) -> list[tuple[int, int]]:
    """(row, depth) in the order in which families are shown; rows come in newest first."""
    children: list[list[int]] = [[] for _ in parents]
    for row, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(row)  # newest first: the last one is taken from the stack first
    found: list[tuple[int, int]] = []
    seen: set[int] = set()
    for row in range(len(parents)):
        waiting = [] if row in seen else [(_eldest(row, parents), 0)]
        while waiting:
            one, depth = waiting.pop()
            if one not in seen:
                seen.add(one)
                found.append((one, depth))
                waiting += [(child, depth + 1) for child in children[one]]
    return found


def _eldest(row: int, parents: Sequence[int | None]) -> int:
    """The first of the family; a row of a circle, which only a damaged catalog has, where there is none."""
    passed = {row}
    while (parent := parents[row]) is not None and parent not in passed:
        row = parent
        passed.add(row)
    return row
