"""``sweep`` and ``sweep-results`` on the command line; nothing here trains."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from edgeft_core.jobs import dispatcher
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from tests.cli.conftest import Command
from tests.recorded_sweep import STEPS, record_sweep


@pytest.fixture(autouse=True)
def nobody_moves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "ensure", lambda _: None)


def test_a_sweep_is_queued_like_a_run(edgeft: Command, catalog: SqlCatalog) -> None:
    words = ["--preset", "smoke", "--axis", "head.scale=4,8", "--axis", "lr=log:1e-4..1e-2:3"]
    told = edgeft("sweep", *words, "--set", "head.margin_rad=0.3", "--json")
    assert told.code == 0, told.err
    assert told.json["heads"] == 6
    run = catalog.run(told.json["run"])
    assert run.name == "sweep-smoke"
    assert run.config.head.margin_rad == 0.3
    assert run.config.sweep is not None


def test_a_sweep_from_a_run_takes_its_data_and_another_ones_axes(
    edgeft: Command, catalog: SqlCatalog
) -> None:
    first = edgeft("train", "--preset", "smoke", "--set", "seed=7", "--json").json["run"]
    told = edgeft("sweep", "--from", first, "--axes", "margin x scale", "--random", "5", "--json")
    assert told.json["heads"] == 5
    run = catalog.run(told.json["run"])
    assert (run.config.seed, run.config.data.identities) == (7, 40)
    again = edgeft("sweep", "--from", run.id, "--json")
    assert catalog.run(again.json["run"]).config.sweep == run.config.sweep


def test_everything_wrong_is_listed_at_once(edgeft: Command, catalog: SqlCatalog) -> None:
    words = ["--axis", "head.scal=4", "--axis", "margin=9", "--axis", "lr", "--set", "head.temperatur=1"]
    told = edgeft("sweep", *words, "--json")
    assert told.code == 2
    assert len(told.json["problems"]) == 4
    assert catalog.runs() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "A sweep needs axes"),
        (("--axis", "scale=4,8"), "2 to 6 axes"),
        (("--axes", "nothing"), "there are scale x temperature"),
        (("--from", "nobody", "--axes", "margin x scale"), "No run nobody"),
        (
            ("--axis", "scale=4..64:64", "--axis", "lr=1e-4..1e-2:64", "--axis", "centre=on,off"),
            "give fewer values",
        ),
    ],
)
def test_what_cannot_be_swept_is_refused_with_a_sentence(
    edgeft: Command, words: tuple[str, ...], said: str
) -> None:
    told = edgeft("sweep", *words)
    assert told.code == 2
    assert said in told.err


def test_results_come_the_best_first_and_go_to_a_file(edgeft: Command, home: Home, tmp_path: Path) -> None:
    run = record_sweep(home)
    told = edgeft("sweep-results", run.id, "--csv", str(tmp_path / "all.csv"), "--json")
    assert len(told.json["heads"]) == 12
    assert told.json["axes"] == ["head.scale", "head.temperature", "stages.0.head_lr"]
    assert len(told.json["best"]) == 5
    assert "border lies at s / T" in told.json["edge"]["sentences"][1]
    every = pd.read_csv(tmp_path / "all.csv")
    assert len(every) == 12 * len(STEPS)
    assert {"head.scale", "step", "val_top1"} <= set(every.columns)
    assert edgeft("sweep-results", run.id).out.splitlines()[1].split()[0] == str(told.json["best"][0])
    unwritable = edgeft("sweep-results", run.id, "--csv", str(tmp_path / "no" / "all.csv"))
    assert "cannot be written" in unwritable.err
