"""The Sweep page: empty, with a new sweep's form, and with results."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from edgeft_core import queries
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from tests.pages import test_pages
from tests.pages.test_pages import opened
from tests.recorded import recorded_run
from tests.recorded_sweep import record_sweep


def words(app: AppTest) -> str:
    """Everything that is written on the page, without the marks that keep names literal."""
    return test_pages.words(app).replace("\\", "")


def test_an_empty_home_gets_the_form_of_a_new_sweep_and_what_it_costs(home: Home) -> None:
    app = opened("sweep")
    text = words(app)
    assert "A new sweep" in text
    assert "**40 heads** at once, 1 290 steps each" in text
    assert "of memory" in text
    assert [one.value for one in app.text_input if one.label == "Values"] == [
        "2, 4, 8, 12, 16, 24, 32, 64",
        "0.5, 1, 2, 4, 8",
    ]
    assert not app.error


def test_axes_that_cannot_be_swept_are_told_and_nothing_can_be_started(home: Home) -> None:
    app = opened("sweep")
    values = next(one for one in app.text_input if one.label == "Values")
    values.set_value("4, 1000").run()
    assert "less than or equal to 256" in words(app)
    assert "Mend the axes" in words(app)
    assert not [button for button in app.button if button.label == "Start the sweep"]


def test_one_axis_is_too_few(home: Home) -> None:
    app = opened("sweep")
    next(button for button in app.button if button.key and button.key.endswith(".remove")).click().run()
    assert "2 to 6 axes" in words(app)


def test_a_started_sweep_is_queued_with_the_axes_of_the_form(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "ensure", lambda _: None)
    app = opened("sweep")
    app.number_input(key="sweep.new.draws").set_value(12).run()
    next(button for button in app.button if button.label == "Start the sweep").click().run()
    (run,) = queries.catalog_of(home).runs()
    assert run.state is RunState.QUEUED
    assert run.config.sweep is not None
    assert run.config.sweep.draws == 12
    assert [axis.key for axis in run.config.sweep.axes] == ["head.scale", "head.temperature"]


def test_results_show_the_map_the_edge_and_the_reported_settings(home: Home) -> None:
    run = record_sweep(home)
    app = opened("sweep", run.id)
    text = words(app)
    assert "sweep of 12 heads: scale x temperature x learning rate" in text
    assert "Where is the edge?" in text
    assert "The border lies at s / T between" in text
    assert "reported-fix" in text
    assert "The best five" in text
    assert not app.error
    assert app.select_slider(key=f"sweep.{run.id}.look").value == 100


def test_the_slider_scrubs_back_to_before_the_training(home: Home) -> None:
    run = record_sweep(home)
    app = opened("sweep", run.id)
    app.select_slider(key=f"sweep.{run.id}.look").set_value(0).run()
    assert "None of 12 heads collapsed" in words(app)
    assert not app.error


@pytest.mark.parametrize("measure", ["effective_classes", "top1", "top5", "loss"])
def test_every_colour_can_be_drawn_also_for_random_draws(home: Home, measure: str) -> None:
    axes = ("scale=2..64", "lr=1e-4..1e-2", "head=arcface,cosface", "centre=on,off")
    for run in (record_sweep(home), record_sweep(home, axes=axes, draws=20, name="drawn")):
        app = opened("sweep", run.id)
        app.segmented_control(key=f"sweep.{run.id}.measure").set_value(measure).run()
        assert not app.error, words(app)
        assert not app.exception


def test_a_sweep_that_still_goes_shows_what_is_there(home: Home) -> None:
    run = record_sweep(home, looks=2, finished=False)
    app = opened("sweep", run.id)
    assert not app.error
    assert app.select_slider(key=f"sweep.{run.id}.look").value == 1


def test_a_sweep_without_a_look_says_what_it_waits_for(home: Home) -> None:
    run = record_sweep(home, finished=False)
    home.sweep_file(run.id).unlink()
    app = opened("sweep", run.id)
    assert "The heads are about to start" in words(app)


@pytest.mark.parametrize("page", ["live", "samples", "diagnosis"])
def test_pages_about_one_network_show_the_way_to_the_sweep(home: Home, page: str) -> None:
    run = record_sweep(home)
    app = opened(page, run.id)
    assert "This run is a sweep" in words(app)
    assert "Open the sweep" in [button.label for button in app.button]


def test_a_plain_run_lends_its_settings_to_a_new_sweep(home: Home) -> None:
    run = recorded_run(home)
    app = opened("sweep", run.id)
    assert app.selectbox(key="sweep.new.run").value == run.id


def test_runs_names_a_sweep_as_what_it_is(home: Home) -> None:
    record_sweep(home)
    app = opened("runs")
    assert app.dataframe[0].value["head"].iloc[0] == "sweep of 12 heads: scale x temperature x learning rate"
