"""Children stand under their parents, whatever the catalog holds, without a read more than the table itself."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from edgeft_core import queries
from edgeft_core.autopilot.record import Autopilot, Phase
from edgeft_core.config import RunConfig
from edgeft_core.settings import Home
from edgeft_core.store.contract import AUTOPILOT


def table(*runs: tuple[str, str | None]) -> pd.DataFrame:
    """Newest first: (id, parent's id)."""
    return pd.DataFrame(runs, columns=["id", "parent_id"])


def shown(found: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(found["id"], found["depth"], strict=True))


def test_children_stand_under_their_parents_oldest_first_and_the_newest_family_comes_first() -> None:
    found = queries.in_families(
        table(
            ("grandchild", "second"), ("lonely", None), ("second", "root"), ("first", "root"), ("root", None)
        )
    )
    assert shown(found) == [("root", 0), ("first", 1), ("second", 1), ("grandchild", 2), ("lonely", 0)]


def test_runs_without_relatives_stay_newest_first() -> None:
    assert shown(queries.in_families(table(("c", None), ("b", None), ("a", None)))) == [
        ("c", 0),
        ("b", 0),
        ("a", 0),
    ]


def test_a_child_whose_parent_was_deleted_is_a_run_of_its_own() -> None:
    assert shown(queries.in_families(table(("child", "gone"), ("other", None)))) == [
        ("child", 0),
        ("other", 0),
    ]


def test_an_empty_table_stays_one() -> None:
    assert queries.in_families(table()).columns.tolist() == ["id", "parent_id", "depth"]


@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=30))
def test_every_run_is_shown_once_and_right_below_its_family(parents: list[int | None]) -> None:
    rows = [(str(row), None if parent is None else str(parent)) for row, parent in enumerate(parents)]
    found = shown(queries.in_families(table(*rows)))
    assert sorted(run_id for run_id, _ in found) == sorted(run_id for run_id, _ in rows), "circles too"
    depths = [depth for _, depth in found]
    assert all(after <= before + 1 for before, after in pairwise(depths))
    for place, (run_id, depth) in enumerate(found):
        above = [other for other, level in found[:place] if level == depth - 1]
        assert depth == 0 or above[-1] == parents_of(rows)[run_id]


def parents_of(rows: list[tuple[str, str | None]]) -> dict[str, str | None]:
    return dict(rows)


def test_the_next_of_kin_are_the_parent_and_the_children() -> None:
    rows = (
        ("young", "me"),
        ("cousin", "uncle"),
        ("old", "me"),
        ("me", "root"),
        ("uncle", "root"),
        ("root", None),
    )
    runs = queries.in_families(table(*rows))
    assert queries.relatives(runs, "me") == queries.Relatives("root", ("old", "young"))
    assert queries.relatives(runs, "root") == queries.Relatives("", ("uncle", "me"))
    assert queries.relatives(runs, "cousin") == queries.Relatives("uncle", ())


def test_the_origin_says_how_a_run_was_made(home: Home, run_id: str, waiting_id: str) -> None:
    catalog = queries.catalog_of(home)
    made = {AUTOPILOT: Autopilot(Phase.WATCHING, parent=run_id, act=1).as_dict()}
    catalog.add_run("pilots", "pilots", RunConfig(), parent_id=run_id, summary=made)
    fork = {"parent": run_id, "name": "first try", "step": 50, "kind": "best"}
    catalog.add_run("forked", "forked", RunConfig(), parent_id=run_id, summary={"fork": fork})
    catalog.add_run("both", "both", RunConfig(), parent_id=run_id, summary={"fork": fork, **made})
    catalog.add_run("again", "again", RunConfig(), parent_id=run_id, summary={"replay": {"of": run_id}})
    origins = queries.runs_table(catalog).set_index("id")["origin"]
    assert origins["pilots"] == "autopilot of first try, from the beginning"
    assert origins["forked"] == "fork of first try at step 50"
    assert origins["both"] == "autopilot of first try, from step 50"
    assert origins["again"] == "replay of first try"
    assert origins[waiting_id] == "restart of first try"
    assert pd.isna(origins[run_id])
