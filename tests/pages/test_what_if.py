"""The What-if page: what it looks at, and what it says where there is nothing to look at."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from edgeft_core import queries
from edgeft_core.config import HeadConfig
from edgeft_core.events import EmbeddingsTaken
from edgeft_core.jobs.states import RunState
from edgeft_core.labs.what_if.sample import lab_sample
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.embeddings import embeddings_file, write_embeddings
from tests.pages.test_pages import ROOT, opened, words
from tests.recorded import recorded_run, taken_embeddings
from ui.launch.form import start_with
from ui.what_if.lab import packed, token_of
from ui.what_if.page import changed, label_of, looking_at
from ui.what_if.shown import Shown


def kept(home: Home, run: RunRecord) -> EmbeddingsTaken:
    taken = queries.embeddings(home, run.id, "validation")
    assert taken is not None
    return taken


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_without_a_run_data_and_weights_can_be_embedded(home: Home) -> None:
    app = opened("what_if")
    assert "Embed" in labels(app)
    assert "Press *Embed* to see what other settings of the head would make of these faces" in words(app)
    assert not app.error


def test_a_run_is_looked_at_as_it_kept_itself(home: Home) -> None:
    run = recorded_run(home)
    text = words(opened("what_if", run.id))
    assert "12 of 48 images: the validation set at step 40, 12 classes" in text.replace("\\", "")


def test_a_run_that_kept_nothing_and_has_no_checkpoint_says_so(home: Home) -> None:
    run = recorded_run(home)
    shutil.rmtree(home.run_folder(run.id) / "embeddings")
    app = opened("what_if", run.id)
    assert "it has no checkpoint" in words(app)
    assert "Read its last checkpoint" not in labels(app)


def test_a_run_that_kept_nothing_offers_its_checkpoint(home: Home) -> None:
    run = recorded_run(home)
    shutil.rmtree(home.run_folder(run.id) / "embeddings")
    checkpoint = home.run_folder(run.id) / "checkpoints" / "last.pt"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"")
    app = opened("what_if", run.id)
    assert "This run kept no embeddings" in words(app)
    assert "Read its last checkpoint" in labels(app)


def test_a_run_in_the_queue_says_when_they_come(home: Home) -> None:
    recorded_run(home, state=RunState.RUNNING, name="first")
    run = recorded_run(home, state=RunState.QUEUED, name="second")
    assert "They come with its first step" in words(opened("what_if", run.id))


def test_embeddings_of_another_number_of_classes_are_a_sentence(home: Home) -> None:
    run = recorded_run(home)
    taken = kept(home, run)
    write_embeddings(home.run_folder(run.id), taken_embeddings("validation", 40, taken.labels_N, 20))
    app = opened("what_if", run.id)
    assert "over 20 classes, but this run has 12" in str(app.error[0].value).replace("\\", "")
    assert "no checkpoint that could be read instead" in words(app)


def test_embeddings_that_are_not_finite_are_a_sentence(home: Home) -> None:
    run = recorded_run(home)
    taken = kept(home, run)
    write_embeddings(home.run_folder(run.id), replace(taken, z_ND=np.full_like(taken.z_ND, np.nan)))
    app = opened("what_if", run.id)
    assert "are not finite" in str(app.error[0].value)
    assert len(app.error) == 1


def test_a_damaged_file_is_a_sentence(home: Home) -> None:
    run = recorded_run(home)
    embeddings_file(home.run_folder(run.id), "validation").write_bytes(b"no")
    app = opened("what_if", run.id)
    assert "damaged" in str(app.warning[0].value)
    assert "This run has no embeddings" in words(app)


def test_a_deleted_run_in_the_address_falls_back_to_one_that_is_there(home: Home) -> None:
    recorded_run(home)
    assert "the validation set" in words(opened("what_if", "deleted"))


def test_embeddings_that_are_left_out_are_counted(home: Home) -> None:
    run = recorded_run(home)
    taken = kept(home, run)
    taken.z_ND[3] = np.inf
    write_embeddings(home.run_folder(run.id), taken)
    assert "1 are left out, for they are not finite" in words(opened("what_if", run.id))


def test_only_what_differs_is_sent_to_the_job() -> None:
    before = HeadConfig()
    after = before.model_copy(update={"temperature": 4.0, "centre": True})
    assert changed(before, after) == {"temperature": 4.0, "centre": True}


def test_a_form_that_starts_from_values_is_told_apart_by_them(home: Home) -> None:
    run = recorded_run(home, "first")
    shown = Shown(kept(home, run), run.config, (), 12, "here", run)
    assert label_of(shown, {"margin_rad": 0.3, "kind": "cosface"}) == "as first, margin 0.3, kind cosface"
    assert label_of(replace(shown, record=None), {}) == "from What if"


def test_launch_begins_with_the_values(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded_run(home)
    config = run.config.model_copy(update={"head": HeadConfig(scale=9.0, temperature=2.0)})
    app = AppTest.from_file(ROOT / "pages" / "launch.py", default_timeout=60)
    monkeypatch.setattr("ui.launch.form.st.session_state", app.session_state)
    start_with("as recorded, scale 9.0", "Values of the lab.", config)
    monkeypatch.undo()
    monkeypatch.setenv("EDGEFT_HOME", str(home.root))
    app.run()
    assert app.selectbox(key="launch.preset").value == "as recorded, scale 9.0"
    scale = next(one for one in app.select_slider if one.label.startswith("Scale"))
    assert scale.value == 9.0
    assert "Values of the lab" in words(app)


def test_the_sample_travels_with_what_the_browser_needs(home: Home) -> None:
    taken = kept(home, recorded_run(home))
    sample = lab_sample(taken)
    sent = packed(sample, ["ann"])
    assert len(sent["labels"]) == sample.images
    assert (sent["classes"], sent["dim"]) == (12, 32)
    assert token_of(sample) == token_of(lab_sample(taken))
    assert token_of(sample) != token_of(lab_sample(replace(taken, mean_D=0 * taken.mean_D)))
    shown = Shown(taken, recorded_run(home).config, (), 12, "here")
    assert "12 of 48 images" in looking_at(shown, sample)
