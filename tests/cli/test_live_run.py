"""The command line as a script uses it: own processes, a real run from start to end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeft_core.jobs.states import RunState
from edgeft_core.settings import REPOSITORY, Home
from edgeft_core.store.catalog import SqlCatalog
from tests.jobs.real_runs import wait_for_state, wait_for_step

pytestmark = pytest.mark.slow


def edgeft(*words: str, code: int = 0) -> Any:
    """Run ``python -m edgeft_core ... --json`` and return its object; nothing else may be on standard output."""
    command = [sys.executable, "-m", "edgeft_core", *words, "--json"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr[-2000:]
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_the_smoke_preset_trains_is_shown_and_evaluated(home: Home, tmp_path: Path) -> None:
    # Eight images each: two for the test, so that it has pairs of one person.
    settings = ["threads=1", "data.images_per_identity=8", "data.test_fraction=0.25"]
    options = [word for setting in settings for word in ("--set", setting)]
    ended = edgeft("train", "--preset", "smoke", *options, "--name", "first", "--wait")
    assert (ended["state"], ended["step"], ended["steps_total"], ended["error"]) == ("finished", 18, 18, None)
    assert ended["chance"] == {"top1": pytest.approx(1 / 40), "top5": pytest.approx(5 / 40)}
    assert edgeft("show", "first") == ended
    listed = edgeft("runs")["runs"]
    assert [(run["run"], run["state"]) for run in listed] == [(ended["run"], "finished")]

    series = edgeft("metrics", "first", "--keys", "loss,val_top1", "--last", "5")
    assert series["keys"] == ["loss", "val_top1"]
    assert series["series"]["loss"]["step"] == [14, 15, 16, 17, 18]
    assert "did you mean loss?" in edgeft("metrics", "first", "--keys", "los", code=2)["error"]

    report = edgeft("evaluate", "first")
    assert (report["split"], report["images"], report["classes"]) == ("test", 80, 40)
    # The test at the end of the run scored the same weights on the same images.
    assert report["identification"]["top1"] == pytest.approx(ended["metrics"]["test_top1"])
    assert report["similarity"]["cos_different"] == pytest.approx(
        ended["metrics"]["test_cos_different"], abs=1e-4
    )
    assert 0.5 < report["verification"]["auc"] <= 1.0
    assert 0.0 <= report["nearest_class_mean"]["top1"] <= 1.0
    assert edgeft("evaluate", "first", "--split", "validation", "--checkpoint", "last")["step"] == 18

    out = tmp_path / "sr.safetensors"
    small = ["--set", "data.identities=6", "--set", "data.images_per_identity=6", "--steps", "4"]
    assert edgeft("train-sr", "--out", str(out), *small)["steps"] == 4
    assert out.is_file()
    assert edgeft("delete", "first")["deleted"] is True
    assert edgeft("runs") == {"runs": []}


def test_a_running_job_is_steered_from_the_command_line(home: Home, catalog: SqlCatalog) -> None:
    many = ["--set", "stages.0.epochs=10000", "--set", "stages.0.patience_epochs=10000"]
    started = edgeft("train", "--preset", "smoke", "--set", "threads=1", *many)
    run = started["run"]
    assert started["state"] == "queued"
    wait_for_step(catalog, run, 5)
    changed = edgeft("set", run, "head.temperature=4", "head.scale=8")
    assert changed["outcome"] == "applied"
    assert changed["step"] > 5
    refused = edgeft("set", run, "data.batch_size=8", code=2)
    assert "cannot change while the run goes" in refused["error"]
    assert edgeft("pause", run)["outcome"] == "applied"
    assert edgeft("show", run)["state"] == "paused"
    assert edgeft("resume", run)["outcome"] == "applied"
    assert edgeft("checkpoint", run)["outcome"] == "applied"
    assert edgeft("stop", run)["outcome"] == "applied"
    wait_for_state(catalog, run, RunState.STOPPED)
    shown = edgeft("show", run)
    values = [one for one in shown["commands"] if one["key"].startswith("head.")]
    assert [(one["key"], one["value"], one["outcome"]) for one in values] == [
        ("head.temperature", 4.0, "applied"),
        ("head.scale", 8.0, "applied"),
    ]
    assert {one["step"] for one in values} == {changed["step"]}


def test_a_run_that_fails_is_exit_code_1(home: Home, tmp_path: Path) -> None:
    (tmp_path / "faces" / "ann").mkdir(parents=True)
    ended = edgeft("train", "--preset", "smoke", "--data", str(tmp_path / "faces"), "--wait", code=1)
    assert ended["state"] == "failed"
    assert str(tmp_path / "faces") in ended["error"]
    assert ended["log"]


def test_torch_is_not_loaded_by_verbs_that_only_look(home: Home) -> None:
    program = (
        "import sys; from edgeft_core.cli import main; main(['runs']); main(['presets']); main(['show', 'x']);"
        "sys.exit(', '.join({'torch', 'scipy.stats'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
