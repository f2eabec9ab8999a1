"""The Runs page shows families: children under their parents, and all of them in the same charts."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from edgeft_core import queries
from edgeft_core.settings import Home
from tests.pages.test_pages import opened, words
from tests.recorded import recorded_run, small_config
from ui.runs.family import words as family_words
from ui.runs.table import indented

CORNER, BLANK = "\u2514", "\u2003"


def page_of_one_run() -> None:
    """What the Runs page draws for a chosen run; AppTest cannot choose a row."""
    import streamlit as st  # noqa: PLC0415

    from edgeft_core import queries  # noqa: PLC0415
    from ui import state  # noqa: PLC0415
    from ui.runs.family import family  # noqa: PLC0415

    table = queries.in_families(queries.runs_table(state.catalog()))
    family(table, st.query_params["run"])


def a_family(home: Home) -> tuple[str, str]:
    """The parent and one of its two children."""
    parent = recorded_run(home, "parent", collapsed=True)
    catalog = queries.catalog_of(home)
    for name in ("one", "two"):
        catalog.add_run(name, name, small_config(normalisation="imagenet"), parent_id=parent.id)
    return parent.id, "one"


def test_children_stand_under_their_parent_with_a_mark(home: Home) -> None:
    a_family(home)
    recorded_run(home, "newest")
    table = opened("runs").dataframe[0].value
    assert list(table["name"]) == ["newest", "parent", f"{CORNER} one", f"{CORNER} two"]
    assert list(table["origin"].fillna("")) == ["", "", "restart of parent", "restart of parent"]


def test_generations_are_set_in_up_to_a_depth_that_still_shows_the_name() -> None:
    assert [indented("a", depth) for depth in (0, 1, 2)] == ["a", f"{CORNER} a", f"{BLANK}{CORNER} a"]
    assert indented("a", 50) == indented("a", 6)


def test_a_run_with_relatives_names_them_and_draws_them_together(home: Home) -> None:
    parent, child = a_family(home)
    app = AppTest.from_function(page_of_one_run, default_timeout=60)
    app.query_params["run"] = child
    app.run()
    assert not app.exception, app.exception
    assert "Made from **parent**" in words(app)
    assert not app.dataframe, "nothing is read before it is asked for"
    app.toggle(key=f"runs.family.{child}").set_value(True).run()
    assert not app.exception, app.exception
    settings, outcome = (one.value for one in app.dataframe)
    assert list(settings.columns) == ["setting", "parent", "one"]
    assert list(outcome.columns) == ["", "parent", "one"]
    app.query_params["run"] = parent
    app.run()
    assert "**one** and **two** were made from it" in words(app)
    app.toggle(key=f"runs.family.{parent}").set_value(True).run()
    assert list(app.dataframe[0].value.columns) == ["setting", "A parent", "B one", "C two"]
    assert "**A** parent &nbsp; **B** one &nbsp; **C** two" in words(app), (
        "letters stand for them in the charts"
    )


def test_a_run_of_its_own_has_no_family_to_show(home: Home) -> None:
    app = AppTest.from_function(page_of_one_run, default_timeout=60)
    app.query_params["run"] = recorded_run(home).id
    app.run()
    assert not app.toggle and not app.markdown


def test_a_large_family_is_counted_not_listed() -> None:
    names = {str(number): f"run_{number}" for number in range(6)}
    told = family_words(queries.Relatives("0", tuple("12345")), names)
    assert told.endswith("**run\\_1**, **run\\_2**, **run\\_3** and 2 more were made from it")
    assert "Made from **run\\_0**; " in told
    assert family_words(queries.Relatives("", ("1",)), names).endswith("**run\\_1** was made from it")
