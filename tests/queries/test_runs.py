"""The table of runs, what happened to one, and two side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from edgeft_core import queries
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from tests.queries.conftest import write_metrics

ARROW = "\u2192"


def test_the_table_has_key_settings_and_best_scores_newest_first(
    home: Home, run_id: str, waiting_id: str
) -> None:
    table = queries.runs_table(queries.catalog_of(home)).set_index("id")
    assert table.index.tolist() == [waiting_id, run_id]
    first = table.loc[run_id]
    assert (first["name"], first["state"], first["preset"]) == ("first try", "running", "recommended")
    assert (first["scale"], first["temperature"], first["n_classes"]) == (8.0, 4.0, 4)
    assert (first["best_top1"], first["best_top5"], first["max_class_share"]) == (0.5, 1.0, 1.0)
    assert (first["step"], first["progress"]) == (90, pytest.approx(0.45))
    assert first["duration_s"] >= 0
    waiting = table.loc[waiting_id]
    assert waiting["parent_id"] == run_id
    assert waiting[["n_classes", "step", "progress", "best_top1", "duration_s", "backbone_lr"]].isna().all()


def test_the_table_of_an_empty_home_has_its_columns(home: Home) -> None:
    table = queries.runs_table(queries.catalog_of(home))
    assert len(table) == 0
    assert {"id", "state", "best_top1", "parent_id"} <= set(table.columns)


def test_markers_tell_changes_stages_checkpoints_notices_and_states(home: Home, run_id: str) -> None:
    catalog = queries.catalog_of(home)
    catalog.add_history(run_id, "stage_ended", "early_stop", step=95, data={"stage": 0})
    catalog.add_history(run_id, "stage_ended", "complete", step=96, data={"stage": 0})
    catalog.move_run(run_id, RunState.FAILED, error="It broke.", step=100)
    found = [(one.step, one.kind, one.label, one.text) for one in queries.markers(home, run_id)]
    assert found == [
        (0, "state", "queued", "The run is queued"),
        (0, "state", "starting", "The run is starting"),
        (0, "state", "running", "The run is running"),
        (1, "stage", "head", "Stage 1 (head) begins"),
        (
            41,
            "change",
            f"T 4 {ARROW} 1, s 8 {ARROW} 16",
            f"Temperature T 4 {ARROW} 1, Scale s 8 {ARROW} 16 from step 41 on",
        ),
        (50, "checkpoint", "best", "Best checkpoint at step 50"),
        (60, "notice", "warning", "Something to know."),
        (95, "stage", "early stop", "The stage ends early: validation had not become better for a while"),
        (100, "state", "failed", "The run is failed: It broke."),
    ]


def test_a_long_history_is_read_to_its_end(home: Home, run_id: str) -> None:
    catalog = queries.catalog_of(home)
    for number in range(1_050):
        catalog.add_history(run_id, "notice", f"notice {number}", step=200, data={"level": "info"})
    assert queries.markers(home, run_id)[-1].text == "notice 1049"


def test_the_journal_lists_every_command_newest_first(home: Home, run_id: str) -> None:
    table = queries.journal(home, run_id)
    assert table["kind"].tolist() == ["pause", "set", "set"]
    assert table["outcome"].tolist() == ["pending", "refused", "applied"]
    assert table["words"].tolist() == ["pause", "s 1e+09", f"T 4 {ARROW} 1, s 8 {ARROW} 16"]
    assert table["reason"].tolist() == ["", "at most 256", ""]
    assert table["step"].isna().tolist() == [True, False, False]
    assert isinstance(table["requested_at"].dtype, pd.DatetimeTZDtype)


def test_the_journal_of_a_new_run_is_an_empty_table(home: Home, waiting_id: str) -> None:
    table = queries.journal(home, waiting_id)
    assert len(table) == 0
    assert "outcome" in table.columns


def test_runs_are_compared_by_what_differs(home: Home, run_id: str, waiting_id: str) -> None:
    found = queries.compare(home, run_id, waiting_id)
    settings = found.settings.set_index("key")
    assert set(settings.index) == {"head.temperature", "head.scale", "data.identities"}
    assert settings[run_id]["head.scale"] == 8.0
    assert settings[waiting_id]["head.scale"] == 16.0
    metrics = found.metrics.set_index("name")
    assert metrics.loc["best val_top1", run_id] == 0.5
    assert metrics.loc["loss", run_id] == pytest.approx(2.0)
    assert metrics[waiting_id].isna().all()


def test_of_many_runs_a_setting_is_told_where_one_differs(home: Home, run_id: str, waiting_id: str) -> None:
    write_metrics(home, waiting_id)
    catalog = queries.catalog_of(home)
    run = catalog.run(run_id)
    catalog.add_run("third", "third", with_values(run.config, {"seed": 7}))
    found = queries.compare(home, run_id, waiting_id, "third")
    assert [one.id for one in found.runs] == [run_id, waiting_id, "third"]
    seeds = found.settings.set_index("key").loc["seed"]
    assert (seeds[run_id], seeds["third"]) == (42, 7)
    losses = found.metrics.set_index("name").loc["loss"]
    assert losses[run_id] == losses[waiting_id] and pd.isna(losses["third"])


def test_one_catalog_is_shared_and_a_replaced_file_is_opened_anew(
    home: Home, run_id: str, tmp_path: Path
) -> None:
    catalog = queries.catalog_of(home)
    assert queries.catalog_of(home) is catalog
    queries.forget(home)
    shutil.move(home.root, tmp_path / "moved")
    home.ensure()
    assert queries.catalog_of(home).runs() == []
    moved = Home(tmp_path / "moved")
    assert [run.id for run in queries.catalog_of(moved).runs()] == [run_id]
    queries.forget(moved)
