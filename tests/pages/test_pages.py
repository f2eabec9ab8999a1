"""Every page on its own, empty and filled."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import SelectSlider

from edgeft_core import queries
from edgeft_core.figures.axis import HorizontalAxis
from edgeft_core.jobs import control
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store.contract import CheckpointRecord
from tests.recorded import recorded_run, small_config
from ui.live.reading import read_live

ROOT = Path(__file__).resolve().parents[2]


def opened(page: str, run: str = "") -> AppTest:
    """The page as a user sees it first."""
    app = AppTest.from_file(ROOT / "pages" / f"{page}.py", default_timeout=60)
    if run:
        app.query_params["run"] = run
    app.run()
    assert not app.exception, app.exception
    return app


def words(app: AppTest) -> str:
    """Everything that is written on the page."""
    parts = [*app.markdown, *app.caption, *app.error, *app.warning, *app.info]
    return "\n".join(str(one.value) for one in parts)


def slider(app: AppTest, title: str) -> SelectSlider[Any]:
    """The control with this title; its label may say more."""
    return next(one for one in app.select_slider if one.label.startswith(title))


@pytest.mark.parametrize(
    ("page", "sentence"), [("live", "No run yet"), ("samples", "No samples yet"), ("runs", "No runs yet")]
)
def test_an_empty_home_is_told_what_to_do_next(home: Home, page: str, sentence: str) -> None:
    app = opened(page)
    assert sentence in words(app)
    assert [button.label for button in app.button] == ["Launch a run"]
    assert not app.error


@pytest.mark.parametrize("page", ["live", "diagnosis", "samples", "what_if", "sweep", "runs", "launch"])
def test_a_damaged_catalog_is_a_sentence_on_every_page(home: Home, page: str) -> None:
    catalog = home.root / "catalog.sqlite"
    catalog.write_bytes(b"these are not the rows that you are looking for" * 100)
    assert "catalog.sqlite is damaged" in words(opened(page))
    catalog.unlink()


def test_launch_offers_the_recommended_preset_and_says_what_it_costs(home: Home) -> None:
    app = opened("launch")
    assert app.selectbox(key="launch.preset").value == "recommended"
    text = words(app)
    assert "518 identities, 6 216 images, 12 of each" in text
    assert "**1 560 steps**" in text
    assert "s/T = **16**: a probability of up to" in text
    assert any(button.label == "Start" for button in app.button)


def test_live_shows_a_recorded_run(home: Home) -> None:
    run = recorded_run(home)
    app = opened("live", run.id)
    text = words(app)
    assert "finished" in text
    assert "12 of 12 classes are predicted" in text
    assert "Predictions over time" in text
    assert "Values for a restart" in text
    assert not app.error


def test_live_says_that_predictions_fall_on_one_class(home: Home) -> None:
    run = recorded_run(home, collapsed=True)
    text = words(opened("live", run.id))
    assert ":orange[" in text
    assert "the largest takes" in text


def test_a_lost_run_says_what_happened_and_how_to_go_on(home: Home) -> None:
    run = recorded_run(home, state=RunState.LOST, error="Its worker ended without a word.")
    home.log_file(run.id).write_text("step 39\nstep 40\n", encoding="utf-8")
    app = opened("live", run.id)
    assert "Its worker ended without a word" in str(app.error[0].value)
    assert "step 40" in app.code[0].value
    assert "Resume from the last checkpoint" in [button.label for button in app.button]


def test_a_queued_run_says_that_it_waits(home: Home) -> None:
    recorded_run(home, state=RunState.RUNNING, name="first")
    waiting = recorded_run(home, state=RunState.QUEUED, name="second")
    app = opened("live", waiting.id)
    assert "waits until its device is free" in words(app)


def test_a_run_that_never_began_shows_what_is_before_it_and_no_empty_charts(home: Home) -> None:
    recorded_run(home, state=RunState.RUNNING, name="first")
    waiting = queries.catalog_of(home).add_run("waits", "second", small_config())
    text = words(opened("live", waiting.id))
    assert "Waits for its turn" in text
    assert "first :gray[(running)]" in text
    assert "Predictions now" not in text


def test_the_run_in_the_address_is_shown_whatever_was_shown_before(home: Home) -> None:
    first, second = recorded_run(home, "first"), recorded_run(home, "second")
    assert opened("live", first.id).selectbox(key="run_picker").value == first.id
    assert opened("live", second.id).selectbox(key="run_picker").value == second.id
    assert opened("live", "first").selectbox(key="run_picker").value == first.id


def test_an_unknown_run_in_the_address_falls_back_to_one_that_is_there(home: Home) -> None:
    run = recorded_run(home)
    app = opened("live", "deleted")
    assert app.selectbox(key="run_picker").value == run.id


def test_a_slider_of_a_running_job_writes_a_command(home: Home) -> None:
    run = recorded_run(home, state=RunState.RUNNING)
    app = opened("live", run.id)
    slider(app, "Temperature T").set_value(2.0).run()
    assert not app.exception
    (command,) = queries.catalog_of(home).commands(run.id)
    assert dict(command.changes) == {"head.temperature": 2.0}
    label = slider(app, "Temperature T").label
    assert "1 \u2192 2, on its way" in label
    queries.catalog_of(home).settle_command(
        command.id, "applied", step=41, reason="", previous={"head.temperature": 1.0}
    )
    app.run()
    assert slider(app, "Temperature T").label == "Temperature T"
    assert "step 41" in words(app)


def test_a_refused_change_says_so_and_the_slider_goes_back(home: Home) -> None:
    run = recorded_run(home, state=RunState.RUNNING)
    app = opened("live", run.id)
    slider(app, "Temperature T").set_value(2.0).run()
    (command,) = queries.catalog_of(home).commands(run.id)
    queries.catalog_of(home).settle_command(command.id, "refused", step=None, reason="not now", previous={})
    app.run()
    knob = slider(app, "Temperature T")
    assert knob.value == 1.0
    assert "refused, still 1" in knob.label
    assert "refused: not now" in words(app)


def test_a_change_made_elsewhere_moves_the_slider(home: Home) -> None:
    run = recorded_run(home, state=RunState.RUNNING)
    app = opened("live", run.id)
    command = control.set_values(home, run.id, {"head.scale": 30.0}, requested_by="command line")
    queries.catalog_of(home).settle_command(
        command.id, "applied", step=41, reason="", previous={"head.scale": 16.0}
    )
    app.run()
    assert slider(app, "Scale s").value == 30.0


def test_sliders_of_an_ended_run_are_values_for_a_restart(home: Home) -> None:
    run = recorded_run(home)
    app = opened("live", run.id)
    slider(app, "Temperature T").set_value(2.0).run()
    assert not queries.catalog_of(home).commands(run.id)
    assert not app.error


def asked(page: str, run_id: str, question: str) -> AppTest:
    """A page with one of its questions open."""
    app = opened(page, run_id)
    app.session_state[f"{question}.0"] = True
    return app.run()


def save_checkpoint(home: Home, run_id: str, step: int) -> None:
    saved = CheckpointRecord(0, run_id, step, "manual", f"{step}.pt", "0" * 64, 10, datetime.now(UTC))
    queries.catalog_of(home).add_checkpoint(saved)


def test_a_question_is_worked_out_when_it_is_opened_and_keeps_what_it_showed(home: Home) -> None:
    run = recorded_run(home)
    app = opened("live", run.id)
    save_checkpoint(home, run.id, 990)
    app.session_state[f"fork.{run.id}.0"] = True
    app.run()
    box = app.selectbox(key=f"fork.at.{run.id}")
    assert box.options[0] == "step 990 (manual)"
    save_checkpoint(home, run.id, 995)
    app.run()
    box = app.selectbox(key=f"fork.at.{run.id}")
    assert box.options[0] == "step 995 (manual)"
    assert box.value is not None
    assert box.value.step == 990


def test_a_run_is_replayed_by_a_click(home: Home) -> None:
    run = recorded_run(home)
    app = asked("live", run.id, f"action.restart.{run.id}")
    app.button(key=f"replay.{run.id}").click().run()
    (replay,) = [one for one in queries.catalog_of(home).runs() if one.id != run.id]
    assert replay.parent_id == run.id
    assert replay.summary["replay"]["of"] == run.id
    assert not app.error


def test_samples_shows_who_was_taken_for_whom(home: Home) -> None:
    run = recorded_run(home)
    app = opened("samples", run.id)
    text = words(app)
    assert "of 12 right**" in text
    assert "was taken for" in text
    assert len(app.get("image")) > 10


def test_samples_of_a_set_that_has_none_yet_says_when_they_come(home: Home) -> None:
    run = recorded_run(home)
    app = opened("samples", run.id)
    app.segmented_control(key="samples.set").set_value("test").run()
    assert "at the end of the run" in words(app)


def test_samples_without_their_images_still_show_predictions(home: Home, tmp_path: Path) -> None:
    run = recorded_run(home)
    config = small_config().model_copy(
        update={"data": small_config().data.model_copy(update={"source": str(tmp_path / "gone")})}
    )
    other = queries.catalog_of(home).add_run("gone1234", "gone", config)
    home.run_folder(other.id).mkdir(parents=True)
    home.metrics_file(other.id).write_bytes(home.metrics_file(run.id).read_bytes())
    app = opened("samples", other.id)
    assert "without pictures" in words(app)
    assert "was taken for" in words(app)


def test_names_are_shown_literally(home: Home) -> None:
    names = ("<img src=x onerror=alert(1)>", *(f"**{index}**" for index in range(11)))
    run = recorded_run(home, class_names=names, name="<b>bold</b>")
    app = opened("samples", run.id)
    assert not app.exception
    assert "<img" not in words(app)
    assert "&lt;img" in words(app)


def test_runs_lists_and_selects(home: Home) -> None:
    recorded_run(home, "first")
    recorded_run(home, "second", collapsed=True)
    app = opened("runs")
    table = app.dataframe[0].value
    assert list(table["name"]) == ["second", "first"]
    assert table["top1"].iloc[1] == pytest.approx(70.0)
    assert "Choose a run" in words(app)


def test_a_home_that_cannot_be_used_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("EDGEFT_HOME", str(file))
    for page in ("live", "runs", "samples", "launch"):
        app = opened(page)
        assert "EDGEFT" in str(app.error[0].value).replace("\\", "")


def test_the_frame_leads_to_live_when_there_is_a_run(home: Home) -> None:
    recorded_run(home, name="framed")
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    assert not app.exception
    assert "12 of 12 classes are predicted" in words(app)


def test_the_frame_leads_to_launch_when_there_is_none(home: Home) -> None:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    assert not app.exception
    assert any(button.label == "Start" for button in app.button)


def test_changes_stages_and_checkpoints_are_marked_on_every_axis(home: Home) -> None:
    run = recorded_run(home)
    for kind, where in (("step", 20.0), ("epoch", 2.0), ("time", 10 / 60)):
        data = read_live(home, run.id, kind, None)  # type: ignore[arg-type]
        (stage,) = [one for one in data.markers(HorizontalAxis(kind, data.start_s)) if one.kind == "stage"]  # type: ignore[arg-type]
        assert stage.text == "fine-tune"
        assert stage.x == pytest.approx(where, abs=0.3)


def test_a_missing_folder_is_told_where_it_is_typed(home: Home, data_root: Path) -> None:
    app = opened("launch")
    app.segmented_control(key="launch.recommended.data.source.kind").set_value("a folder of mine").run()
    assert "Which faces?" in words(app)
    app.text_input(key="launch.recommended.data.source.folder").set_value(str(data_root / "gone")).run()
    assert "no such folder" in words(app)
    assert "EDGEFT" not in words(app)
    assert not app.exception


def test_outside_the_data_roots_one_sentence_tells_the_setting_and_not_what_is_there(
    home: Home, data_root: Path
) -> None:
    outside = data_root.parent / "private"
    (outside / "there").mkdir(parents=True)
    app = opened("launch")
    app.segmented_control(key="launch.recommended.data.source.kind").set_value("a folder of mine").run()
    said = []
    for name in ("there", "gone"):
        app.text_input(key="launch.recommended.data.source.folder").set_value(str(outside / name)).run()
        (error,) = app.error
        said.append(str(error.value).replace("\\", "").replace(str(outside / name), "PATH"))
    assert said[0] == said[1]
    assert said[0].startswith("PATH lies outside the folders")
    assert "EDGEFT_DATA_ROOTS" in said[0]
    assert said[0].count(". ") == 0, "one sentence"


def test_a_folder_with_one_person_is_refused_in_a_sentence(home: Home, data_root: Path) -> None:
    person = data_root / "faces" / "ann"
    person.mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(person / "1.png")
    app = opened("launch")
    app.segmented_control(key="launch.recommended.data.source.kind").set_value("a folder of mine").run()
    app.text_input(key="launch.recommended.data.source.folder").set_value(str(data_root / "faces")).run()
    assert len(app.error) == 1
    assert "lies outside" not in words(app)
    assert "Traceback" not in words(app)
    assert not [button for button in app.button if button.label == "Start"]


def test_settings_that_contradict_each_other_are_told_before_the_start(home: Home) -> None:
    app = opened("launch")
    app.toggle(key="launch.recommended.stages.0.train_backbone").set_value(True).run()
    assert "give backbone" in words(app).replace("\\", "")
    assert not [button for button in app.button if button.label == "Start"]


def test_a_run_can_be_the_start_of_another(home: Home) -> None:
    run = recorded_run(home, "mine", state=RunState.FAILED, error="No.")
    failed = opened("live", run.id)
    failed.button(key="trouble.launch").click().run()
    app = AppTest.from_file(ROOT / "pages" / "launch.py", default_timeout=60)
    for key in ("launch.like", "launch.preset"):
        app.session_state[key] = failed.session_state[key]
    app.run()
    assert not app.exception
    assert app.selectbox(key="launch.preset").value == "as mine"
    assert app.number_input(key="launch.as mine.data.identities").value == 12
