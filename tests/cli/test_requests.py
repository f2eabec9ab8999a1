"""What the command line refuses and how it says so; nothing here trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import PRESETS
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.processes import current_process
from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "ensure", lambda _: None)


def test_everything_wrong_is_listed_at_once(edgeft: Command, catalog: SqlCatalog, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("seed = 1\n\n[data]\nbatch_sise = 8\nrotation_deg = 90\n", encoding="utf-8")
    words = ["--config", str(file), "--set", "head.scal=3", "--set", "head.margin_rad=9", "--set", "oops"]
    missing = tmp_path / "none.pt"
    told = edgeft("train", *words, "--weights", str(missing), "--json")
    assert told.code == 2
    assert told.err == ""
    problems = told.json["problems"]
    assert sorted(problems) == sorted(
        [
            f"{file} line 4: data.batch_sise: no such setting; did you mean data.batch_size?",
            f"{file} line 5: data.rotation_deg: input should be less than or equal to 45 (got 90)",
            "'oops': write key=value, such as head.scale=8",
            "head.scal: no such setting; did you mean head.scale?",
            "head.margin_rad: input should be less than or equal to 1.5 (got '9')",
            f"backbone.weights: there is no file {missing}; give one that exists, or demo, none, timm",
        ]
    )
    assert told.json["error"] == "; ".join(problems)
    assert catalog.runs() == []


def test_the_same_without_json_goes_to_standard_error(edgeft: Command) -> None:
    told = edgeft("train", "--set", "head.scal=3", "--set", "head.margin_rad=9")
    assert (told.code, told.out) == (2, "")
    assert told.err.splitlines() == [
        "Error: 2 settings are wrong:",
        "  head.scal: no such setting; did you mean head.scale?",
        "  head.margin_rad: input should be less than or equal to 1.5 (got '9')",
    ]


def test_an_unknown_preset_names_the_nearest(edgeft: Command) -> None:
    told = edgeft("train", "--preset", "colapse-demo")
    assert told.code == 2
    assert "did you mean collapse-demo?" in told.err


@pytest.mark.parametrize(
    "words", [["train", "--bogus"], ["trian"], ["show"], ["metrics", "x", "--last", "0"], ["set", "run"]]
)
def test_misuse_with_json_is_one_object_and_exit_code_2(edgeft: Command, words: list[str]) -> None:
    told = edgeft(*words, "--json")
    assert told.code == 2
    assert list(told.json) == ["error"]


def test_an_unknown_run_names_the_nearest(edgeft: Command, catalog: SqlCatalog) -> None:
    catalog.add_run("abcdefgh", "my-faces", RunConfig())
    told = edgeft("show", "my-face", "--json")
    assert told.code == 2
    assert "did you mean my-faces?" in told.json["error"]


@pytest.mark.parametrize("place", ["before", "after"])
def test_home_and_json_may_stand_before_or_after_the_verb(
    edgeft: Command, tmp_path: Path, place: str
) -> None:
    options = ["--home", str(tmp_path / "elsewhere"), "--json"]
    train = ["train", "--name", "one"]
    assert edgeft(*([*options, *train] if place == "before" else [*train, *options])).code == 0
    assert edgeft("runs", "--json").json == {"runs": []}
    found = (
        edgeft("runs", *options).json["runs"] if place == "after" else edgeft(*options, "runs").json["runs"]
    )
    assert [run["name"] for run in found] == ["one"]


def test_train_prints_the_id_and_the_queue_has_the_settings_in_order_of_precedence(
    edgeft: Command, catalog: SqlCatalog, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'preset = "smoke"\nseed = 7\n[head]\nscale = 20.0\nmargin_rad = 0.3\n[data]\nimage_px = 64\n',
        encoding="utf-8",
    )
    told = edgeft("train", "--config", str(file), "--weights", "none", "--set", "head.scale=10")
    run = catalog.run(told.out.strip())
    assert run.state is RunState.QUEUED
    config = run.config
    assert (config.preset, config.seed, config.head.scale, config.head.margin_rad) == ("smoke", 7, 10.0, 0.3)
    assert (config.data.image_px, config.data.identities, config.backbone.weights) == (64, 40, "none")
    assert config.stages == PRESETS["smoke"]().stages


def test_stages_in_a_file_replace_those_of_the_preset(
    edgeft: Command, catalog: SqlCatalog, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[[stages]]\nepochs = 3\nhead_lr = 0.01\n", encoding="utf-8")
    run = catalog.run(edgeft("train", "--config", str(file)).out.strip())
    assert [(one.epochs, one.head_lr) for one in run.config.stages] == [(3, 0.01)]


def test_a_file_that_is_no_toml_names_the_line(edgeft: Command, tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("[data]\nsource = oops\n", encoding="utf-8")
    told = edgeft("train", "--config", str(file))
    assert told.code == 2
    assert "broken.toml: not a TOML file" in told.err
    assert "line 2" in told.err
    assert edgeft("train", "--config", str(tmp_path / "none.toml")).code == 2


def test_runs_lists_the_newest_first(edgeft: Command, catalog: SqlCatalog) -> None:
    assert "No runs yet" in edgeft("runs").out
    catalog.add_run("older", "one", RunConfig())
    catalog.add_run("newer", "two", RunConfig())
    catalog.heartbeat("older", {"step": 5, "steps_total": 20, "best": {"val_top1": 0.25}})
    table = edgeft("runs").out.splitlines()
    assert [line.split()[0] for line in table] == ["run", "newer", "older"]
    assert "5/20" in table[2]
    assert "25.0%" in table[2]
    rows = edgeft("runs", "--json").json["runs"]
    assert [(row["run"], row["step"], row["best_top1"]) for row in rows] == [
        ("newer", 0, None),
        ("older", 5, 0.25),
    ]


def test_a_run_that_waits_shows_itself(edgeft: Command, catalog: SqlCatalog) -> None:
    catalog.add_run("waiting", "one", RunConfig())
    shown = edgeft("show", "waiting", "--json").json
    assert {"run", "name", "state", "stage", "epoch", "step", "steps_total", "images_per_s", "eta_s"} <= set(
        shown
    )
    assert {"metrics", "chance", "commands", "verdict", "error"} <= set(shown)
    assert shown["state"] == "queued"
    assert edgeft("show", "one").out.strip() == "one (waiting): queued"


def test_live_requests_to_a_run_that_has_ended_are_refused(edgeft: Command, catalog: SqlCatalog) -> None:
    catalog.add_run("ended", "one", RunConfig())
    catalog.claim_run("ended", current_process())
    catalog.move_run("ended", RunState.RUNNING)
    catalog.move_run("ended", RunState.FINISHED)
    for verb in ("pause", "stop", "checkpoint", "resume"):
        told = edgeft(verb, "ended", "--json")
        assert told.code == 2, verb
        assert "is finished" in told.json["error"]
    told = edgeft("set", "ended", "head.scale=8", "--json")
    assert (told.code, list(told.json)) == (2, ["error"])


def test_a_bad_live_change_lists_all_problems(edgeft: Command, catalog: SqlCatalog) -> None:
    catalog.add_run("waiting", "one", RunConfig())
    told = edgeft("set", "waiting", "head.scal=3", "data.batch_size=8", "head.margin_rad=7", "--json")
    assert told.code == 2
    assert len(told.json["problems"]) == 3


def test_delete_needs_an_end(edgeft: Command, catalog: SqlCatalog) -> None:
    catalog.add_run("going", "one", RunConfig())
    catalog.claim_run("going", current_process())
    assert edgeft("delete", "going").code == 2
    catalog.move_run("going", RunState.STOPPED)
    assert edgeft("delete", "going", "--json").json == {"run": "going", "deleted": True}
    assert catalog.runs() == []


def test_metrics_of_a_run_without_any_say_so(edgeft: Command, catalog: SqlCatalog) -> None:
    catalog.add_run("waiting", "one", RunConfig())
    assert edgeft("metrics", "waiting", "--json").json["series"] == {}
    told = edgeft("metrics", "waiting", "--keys", "loss")
    assert told.code == 2
    assert "Nothing is recorded yet" in told.err


def test_evaluating_a_run_without_checkpoint_is_refused_before_torch_loads(
    edgeft: Command, catalog: SqlCatalog
) -> None:
    catalog.add_run("waiting", "one", RunConfig())
    told = edgeft("evaluate", "waiting", "--json")
    assert told.code == 2
    assert "has no checkpoint yet" in told.json["error"]


def test_presets_are_listed_with_their_first_sentence(edgeft: Command) -> None:
    listed = edgeft("presets", "--json").json["presets"]
    assert [one["name"] for one in listed] == list(PRESETS)
    assert all(one["text"] for one in listed)
    assert edgeft("presets").out.splitlines()[0].startswith("recommended ")


def test_a_home_that_is_a_file_is_refused(edgeft: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    told = edgeft("train", "--home", str(tmp_path / "file"), "--json")
    assert told.code == 2
    assert "--home" in told.json["error"]


def test_help_names_every_verb(edgeft: Command, home: Home) -> None:
    told = edgeft("--help")
    assert told.code == 0
    verbs = ["train", "runs", "show", "set", "pause", "resume", "stop", "checkpoint", "delete", "metrics"]
    assert all(verb in told.out for verb in [*verbs, "evaluate", "train-sr", "presets"])


@pytest.mark.parametrize("words", [["presets", "--json"], ["train", "--set", "a=1", "--json"]], ids=" ".join)
def test_nobody_is_told_that_the_reader_of_the_output_has_gone(words: list[str], home: Home) -> None:
    program = f"import sys; from edgeft_core.cli import main; sys.exit(main({words}))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
