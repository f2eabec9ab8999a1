"""What pages say, without a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import PRESETS
from edgeft_core.store.contract import RunRecord
from ui.launch.cost import estimate, format_bytes
from ui.launch.form import preset_sentence
from ui.launch.reach import reach
from ui.live.first_batch import sentence
from ui.live.journal import entry
from ui.live.verdict import concentration
from ui.messages import escape
from ui.signals_help import explanation, sections


def test_the_folklore_setting_is_told_what_it_can_reach() -> None:
    fix = reach(8.0, 4.0, 518)
    assert fix.s_eff == 2
    assert fix.probability == pytest.approx(0.0141, abs=1e-4)
    assert fix.low
    assert "1.4 %" in fix.sentence()
    assert "8.84" in fix.sentence()


def test_a_sensible_scale_carries_no_warning() -> None:
    assert not reach(16.0, 1.0, 518).low
    assert not reach(16.0, 1.0, 518).high


def test_steps_are_exact_and_stages_that_train_the_backbone_cost_most() -> None:
    config = PRESETS["recommended"]()
    cost = estimate(config, train_images=4144, n_classes=518)
    assert cost.steps == 12 * 130
    head_only = with_values(config, {"stages.1.train_backbone": False})
    assert estimate(head_only, 4144, 518).seconds < cost.seconds


def test_the_rate_of_a_past_run_with_the_same_backbone_is_used() -> None:
    now = datetime.now(UTC)
    config = PRESETS["recommended"]()
    past = RunRecord("a", "past", RunState.FINISHED, config, now, now, summary={"images_per_s": 8288.0})
    cost = estimate(config, 4144, 518, [past])
    assert "past" in cost.basis
    assert cost.seconds < estimate(config, 4144, 518).seconds


def test_a_bigger_backbone_is_estimated_to_take_longer() -> None:
    base = with_values(RunConfig(), {"backbone.name": "edgeface_base"})
    assert estimate(base, 1000, 10).seconds > estimate(RunConfig(), 1000, 10).seconds


def test_bytes_are_written_with_a_unit() -> None:
    assert [format_bytes(amount) for amount in (100, 2.5e6, 85e6, 3.2e9)] == [
        "1 kB",
        "2.5 MB",
        "85 MB",
        "3.2 GB",
    ]


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_preset_has_a_sentence_without_markup(preset: str) -> None:
    text = preset_sentence(preset)
    assert text
    assert ":func:" not in text
    assert "`" not in text


def test_one_class_taking_most_predictions_is_conspicuous() -> None:
    counts = np.array([536, *([1] * 488), *([0] * 29)], np.int32)
    labels = np.array([2] * 518, np.int32)
    found = concentration(counts, labels, 1024)
    assert found is not None
    assert found.conspicuous
    assert found.predicted == 489
    assert "52.3 %" in found.sentence()


def test_predictions_that_follow_an_uneven_data_set_are_not() -> None:
    counts = np.array([512, *([1] * 512), *([0] * 5)], np.int32)
    found = concentration(counts, counts, 1024)
    assert found is not None
    assert not found.conspicuous


def test_nothing_predicted_has_no_concentration() -> None:
    assert concentration(np.zeros(0, np.int32), np.zeros(0, np.int32), 0) is None


def test_a_random_head_that_gives_one_class_points_at_the_embeddings() -> None:
    assert "embeddings are nearly the same" in sentence([7] * 10)
    assert "3 different classes" in sentence([1, 2, 3, 1])


def test_the_journal_tells_what_and_when_and_by_whom_and_why_not() -> None:
    row = {"kind": "set", "words": "T 4 \u2192 1", "outcome": "applied", "step": 641, "reason": ""}
    row |= {"requested_by": "user", "requested_at": datetime.now(UTC) - timedelta(minutes=2)}
    assert "step 641" in entry(row)
    assert "you, 2:00 ago" in entry(row)
    assert "on its way" in entry({**row, "outcome": "pending", "step": None})
    assert "refused: too late" in entry({**row, "outcome": "refused", "reason": "too late", "step": None})
    assert "command line, just now" in entry(
        {**row, "requested_by": "command line", "requested_at": datetime.now(UTC)}
    )


def test_headings_of_the_signals_document_are_found_by_name_and_title() -> None:
    text = "# Signals\n\n## `max_class_share`, Largest class\nHow much one class takes.\n\n### loss\nCross-entropy.\n"
    found = sections(text)
    assert found["max_class_share"] == found["largest class"] == "How much one class takes."
    assert found["loss"] == "Cross-entropy."


def test_a_signal_is_always_explained() -> None:
    assert "Cross-entropy" in explanation(["loss"])


def test_markdown_and_html_are_shown_as_they_are() -> None:
    assert escape("<b>") == "&lt;b&gt;"
    assert escape("a_b*c") == "a\\_b\\*c"


@given(st.text())
def test_no_text_can_carry_a_tag(text: str) -> None:
    assert "<" not in escape(text)
