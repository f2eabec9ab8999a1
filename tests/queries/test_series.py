"""Series, predictions, samples and ``metrics --json`` as pages and command line ask for them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from edgeft_core import queries
from edgeft_core.queries.series import XKind
from edgeft_core.settings import Home
from tests.queries.conftest import NAMES, START, STEPS


def test_series_of_every_batch_and_sparse_ones_come_together(home: Home, run_id: str) -> None:
    found = queries.series(home, run_id, ["loss", "val_top1", "grad_norm_backbone", "nonsense"])
    assert list(found.lines) == ["loss", "val_top1", "grad_norm_backbone", "nonsense"]
    assert (found.total, found.shown, found.problem) == (STEPS, STEPS, "")
    loss = found.lines["loss"]
    assert loss.step_P.tolist() == list(range(1, STEPS + 1))
    np.testing.assert_allclose(loss.low_P, 4.0 - np.arange(1, STEPS + 1) / 50, rtol=1e-6)
    validation = found.lines["val_top1"]
    assert validation.step_P.tolist() == [50, 100]
    assert validation.high_P.tolist() == [0.25, 0.5]
    assert found.lines["grad_norm_backbone"].step_P.tolist() == [n for n in range(61, 101) if n != 70]
    assert len(found.lines["nonsense"].x_P) == 0


@pytest.mark.parametrize(
    ("x", "position"), [("step", 50.0), ("epoch", 1.0), ("time", START.timestamp() + 50)]
)
def test_positions_are_steps_epochs_or_seconds(home: Home, run_id: str, x: XKind, position: float) -> None:
    found = queries.series(home, run_id, ["val_top1"], x=x)
    assert found.lines["val_top1"].x_P[0] == position


def test_a_reduced_view_says_how_much_it_shows(home: Home, run_id: str) -> None:
    found = queries.series(home, run_id, ["loss"], first=11, last=90, points=20)
    line = found.lines["loss"]
    assert found.total == 80
    assert found.shown == len(line.step_P) <= 20
    assert (line.step_P[0], line.last_step_P[-1]) == (11, 90)
    assert (line.low_P < line.high_P).any()


def test_a_run_without_metrics_has_empty_lines(home: Home, waiting_id: str) -> None:
    found = queries.series(home, waiting_id, ["loss"])
    assert (len(found.lines["loss"].x_P), found.total) == (0, 0)


def test_the_histogram_now_covers_the_window(home: Home, run_id: str) -> None:
    now = queries.histogram_now(home, run_id, images=16)
    assert now.predicted_C.tolist() == [0, 0, 16, 0]
    assert now.labels_C.tolist() == [4, 4, 4, 4]
    assert (now.images, now.names) == (16, NAMES)
    whole = queries.histogram_now(home, run_id)
    assert whole.images == 800, "the run's own window, as far as it is filled"
    assert whole.predicted_C.tolist() == [100, 100, 500, 100]


def test_the_histogram_over_time_shows_the_collapse(home: Home, run_id: str) -> None:
    view = queries.histogram_over_time(home, run_id, columns=4)
    share_V = view.counts_VC[:, 2] / view.counts_VC.sum(axis=1)
    assert share_V[0] == 0.25
    assert share_V[-1] == 1.0
    assert view.counts_VC.sum() == 800


def test_class_names_come_from_the_file_else_from_the_metrics(home: Home, run_id: str) -> None:
    run = queries.catalog_of(home).run(run_id)
    assert queries.class_names(home, run) == NAMES
    (home.run_folder(run_id) / "classes.json").unlink()
    assert queries.class_names(home, run) == NAMES


def test_a_class_file_outside_the_run_s_folder_is_not_read(home: Home, run_id: str) -> None:
    secret = home.root / "secret.json"
    secret.write_text(json.dumps(["secret"]), encoding="utf-8")
    run = queries.catalog_of(home).run(run_id)
    strange = replace(run, summary={**run.summary, "class_names_file": "../../secret.json"})
    assert queries.class_names(home, strange) == NAMES


def test_samples_carry_names_probabilities_and_whether_they_are_right(home: Home, run_id: str) -> None:
    table = queries.samples(home, run_id, "validation")
    assert table["item"].tolist() == ["ann/1.png", "bob/2.png", "zo\u00eb/3.png"]
    assert table["true"].tolist() == ["ann", "bob", "zo\u00eb"]
    assert table["predicted"].tolist() == ["eve", "bob", "ann"]
    assert table["right"].tolist() == [False, True, False]
    assert table["true_rank"].fillna(0).tolist() == [2, 1, 0]
    assert table["top_names"][0] == ("eve", "ann", "bob")
    assert table["top_probs"][0] == (0.75, 0.125, 0.0625)
    surest_wrong = table[~table["right"]].sort_values("prob", ascending=False)
    assert surest_wrong["item"].iloc[0] == "ann/1.png"


def test_samples_of_a_split_that_was_not_scored_are_an_empty_table(home: Home, run_id: str) -> None:
    table = queries.samples(home, run_id, "test")
    assert len(table) == 0
    assert table["right"].dtype == bool
    assert "top_names" in table.columns


def test_metrics_json_gives_the_newest_rows_of_each_series(home: Home, run_id: str) -> None:
    found = json.loads(json.dumps(queries.metrics_json(home, run_id, last=3), allow_nan=False))
    assert found["run"] == run_id
    assert found["series"]["loss"]["step"] == [98, 99, 100]
    assert found["series"]["loss"]["value"] == pytest.approx([2.04, 2.02, 2.0])
    assert found["series"]["val_top1"] == {"step": [50, 100], "value": [0.25, 0.5]}
    assert set(found["keys"]) == set(found["series"]) >= {"loss", "val_top1", "max_class_share"}


def test_metrics_json_keeps_the_order_of_the_asked_keys_and_leaves_out_unknown_ones(
    home: Home, run_id: str
) -> None:
    found = queries.metrics_json(home, run_id, keys=["val_top1", "nonsense", "loss"], last=1)
    assert found["keys"] == list(found["series"]) == ["val_top1", "loss"]


def test_metrics_json_looks_back_for_values_that_newer_rows_lack(home: Home, run_id: str) -> None:
    found = queries.metrics_json(home, run_id, keys=["grad_norm_backbone"], last=35)
    steps = found["series"]["grad_norm_backbone"]["step"]
    assert 70 not in steps
    assert steps[-1] == 100
