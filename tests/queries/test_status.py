"""What the status line and ``show`` say in every state of a run."""

from __future__ import annotations

import json

import pytest

from edgeft_core import queries
from edgeft_core.diagnostics.chance import max_share_chance
from edgeft_core.errors import UnknownRunError
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from tests.queries.conftest import CONFIG


def test_a_running_run_says_where_it_is(home: Home, run_id: str) -> None:
    status = queries.run_status(home, run_id)
    assert (status.id, status.name, status.state) == ("a1b2", "first try", RunState.RUNNING)
    assert (status.stage, status.stages, status.stage_name) == (0, 1, "head")
    assert (status.epoch, status.epochs) == (1.8, CONFIG.stages[0].epochs)
    assert (status.step, status.steps_total, status.fraction) == (100, 200, 0.5), "the metrics are ahead"
    assert (status.images_per_s, status.eta_s, status.device) == (412.0, 12.5, "cpu (2 threads)")
    assert status.heartbeat_age_s is not None
    assert 0 <= status.heartbeat_age_s < 60
    assert status.duration_s is not None
    assert status.warnings == ("a warning",)
    assert (status.log_lines, status.problem, status.error) == ((), "", "")


def test_the_largest_class_stands_beside_what_guessing_reaches(home: Home, run_id: str) -> None:
    status = queries.run_status(home, run_id)
    assert (status.max_class_share, status.unique_classes, status.window_images) == (1.0, 1.0, 64)
    assert status.chance is not None
    assert (status.chance.top1, status.chance.top5) == (0.25, 1.0)
    assert status.chance.max_share == max_share_chance(4, 64) < 0.6


def test_a_waiting_run_has_no_numbers_yet(home: Home, waiting_id: str) -> None:
    status = queries.run_status(home, waiting_id)
    assert status.state is RunState.QUEUED
    nothing = (status.stage, status.fraction, status.images_per_s, status.eta_s, status.heartbeat_age_s)
    assert nothing == (None,) * 5
    assert (status.step, status.n_classes, status.chance, status.latest) == (0, 0, None, {})


def test_a_failed_run_shows_its_error_and_the_last_lines_of_its_log(home: Home, run_id: str) -> None:
    home.log_file(run_id).write_text("".join(f"line {n}\n" for n in range(100)), encoding="utf-8")
    queries.catalog_of(home).move_run(run_id, RunState.FAILED, error="It broke.", step=100)
    status = queries.run_status(home, run_id)
    assert status.error == "It broke."
    assert status.log_lines[-1] == "line 99"
    assert (status.images_per_s, status.eta_s) == (None, None), "an ended run has no rate"


def test_damaged_metrics_are_a_sentence_and_other_runs_are_untouched(
    home: Home, run_id: str, waiting_id: str
) -> None:
    home.metrics_file(run_id).write_bytes(b"not a database" * 1000)
    damaged = queries.run_status(home, run_id)
    assert "damaged" in damaged.problem
    assert (damaged.step, damaged.latest, damaged.n_classes) == (90, {}, 4), "the catalog still knows"
    assert queries.run_status(home, waiting_id).problem == ""


def test_an_unknown_run_is_refused_by_every_query(home: Home) -> None:
    for ask in (
        lambda: queries.run_status(home, "nobody"),
        lambda: queries.series(home, "nobody", ["loss"]),
        lambda: queries.markers(home, "nobody"),
        lambda: queries.journal(home, "nobody"),
        lambda: queries.samples(home, "nobody", "train"),
        lambda: queries.show(home, "nobody"),
        lambda: queries.metrics_json(home, "nobody"),
        lambda: queries.compare(home, "nobody", "nobody"),
        lambda: queries.histogram_now(home, "nobody"),
    ):
        with pytest.raises(UnknownRunError):
            ask()


def test_show_has_the_documented_keys_first_and_is_plain_json(home: Home, run_id: str) -> None:
    found = json.loads(json.dumps(queries.show(home, "first try"), allow_nan=False))
    documented = (
        "run name state stage epoch step steps_total images_per_s eta_s metrics chance commands verdict error"
    )
    assert list(found)[:14] == documented.split()
    assert found["run"] == run_id
    assert found["chance"] == {"top1": 0.25, "top5": 1.0}
    assert found["metrics"]["loss"] == pytest.approx(2.0)
    assert found["metrics"]["grad_norm_backbone"] == 0.5
    assert found["error"] is None
    first = found["commands"][0]
    assert set(first) >= {"key", "value", "requested_at", "outcome", "step", "reason"}
    told = [(one["key"], one["value"], one["outcome"], one["step"]) for one in found["commands"]]
    assert told == [
        ("head.temperature", 1.0, "applied", 41),
        ("head.scale", 16.0, "applied", 41),
        ("head.scale", 1e9, "refused", 50),
        ("pause", None, "pending", None),
    ]


def test_show_of_a_waiting_run_is_plain_json_too(home: Home, waiting_id: str) -> None:
    found = json.loads(json.dumps(queries.show(home, waiting_id), allow_nan=False))
    assert (found["state"], found["step"], found["metrics"], found["commands"]) == ("queued", 0, {}, [])
    assert found["chance"] == {"top1": None, "top5": None}
