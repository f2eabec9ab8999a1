"""The fault suite in short: real runs with a fault are called by their name, healthy ones are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.ground import Ground
from benchmarks.faults.held_out import HELD_OUT
from benchmarks.faults.report import report
from benchmarks.faults.scores import LOOKS, confusion, detected, false_alarm, named, quantiles, right_first
from benchmarks.faults.starters import HEALTHY
from benchmarks.faults.suite import catalogue, read, tasks
from benchmarks.faults.trial import Row, Trial
from edgeft_core.diagnostics.causes import CAUSES

ALONE = LOOKS["at the end, from the run alone"]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Twenty drawn people."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Ground("synthetic", 5, tmp_path_factory.mktemp("ground"), people=20)
    torch.set_num_threads(threads)


def told(name: str, ground: Ground, *, thorough: bool = False) -> Row:
    return Trial(catalogue()[name], ground, ground.home / "work", thorough=thorough).row()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "input.range/0-255",
        "input.constant/black",
        "weights.missing/low-rank",
        "weights.missing/refused",
        "embedding.collapsed/noise",
        "head.not_training/optimiser",
        "sampling.single_class/sorted",
        "labels.shuffled/folders",
        "labels.out_of_range/head",
        "eval.margin/in-scores",
    ],
)
def test_a_fault_is_noticed_and_its_cause_comes_first(name: str, ground: Ground) -> None:
    row = told(name, ground)
    assert detected(row), row["run"]
    assert right_first(row, ALONE), row["run"]["end_causes"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["healthy/default", "healthy/warm-up", "healthy/few-pictures", "healthy/smoothing"]
)
def test_a_healthy_run_is_left_alone(name: str, ground: Ground) -> None:
    row = told(name, ground)
    assert not false_alarm(row), row["run"]
    assert not false_alarm(row, "with_preflight"), (row["with_preflight"], row["findings"])


@pytest.mark.slow
def test_the_fix_that_is_offered_is_tried_and_nothing_is_run_twice(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = told("head.not_training/lr", ground, thorough=True)
    assert row["fix"]["kind"] == "live"
    assert row["fix"]["recovered"], row["fix"]
    assert row["with_probes"][0][0] == "head.not_training"

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("it was recorded before")

    monkeypatch.setattr("benchmarks.faults.recording.train", never)
    assert told("head.not_training/lr", ground, thorough=True)["run"] == row["run"]


def test_every_cause_is_injected_and_names_are_unique() -> None:
    assert {one.cause for one in FAULTS} == set(CAUSES) - {"early"}
    assert len(HEALTHY) >= 10
    assert not [one for one in HEALTHY if one.cause]
    assert len(catalogue()) == len(FAULTS) + len(HEALTHY) + len(HELD_OUT)
    assert {cause for one in catalogue().values() for cause in one.right} <= {*CAUSES, ""}


def test_everything_is_seen_once_before_the_second_seed_begins(tmp_path: Path) -> None:
    planned = list(tasks(["lr.too_low/1e-6", "healthy/default"], ["synthetic", "faces"], 2, tmp_path, 1))
    assert [one.seed for one in planned] == [11] * 4 + [12] * 4
    assert [one.thorough for one in planned] == [True] * 4 + [False] * 4


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"name": "a"}\n{"name": "b', encoding="utf-8")
    assert read(rows) == [{"name": "a"}]


def made_up(
    name: str, *causes: tuple[str, float], alarm: str = "", right: tuple[str, ...] = ("lr.too_low",)
) -> Row:
    said = {
        "alarm": alarm,
        "alarm_step": 40 if alarm else None,
        "alarm_s": 2.5 if alarm else None,
        "alarm_causes": list(causes),
        "verdicts": [[1, "learning"]] + ([[40, alarm]] if alarm else []),
        "end": alarm or "healthy",
        "end_causes": list(causes),
    }
    fault = bool(right[0])
    row: Row = {"name": name, "group": "fault" if fault else "healthy", "data": "synthetic", "seed": 1}
    row |= {"right": list(right), "error": "", "findings": [], "run": said, "with_preflight": said}
    row |= {"with_probes": None, "scores": {"top1_running": 0.8, "val_top1": 0.7}}
    return row | ({"fix": {"kind": "live", "recovered": True}} if fault else {})


def test_figures_count_what_they_say() -> None:
    found = made_up("lr.too_low/a", ("lr.too_low", 0.9), alarm="stalled")
    wrong = made_up("lr.too_low/b", ("early", 0.7), ("lr.too_low", 0.4))
    well = made_up("healthy/a", ("early", 0.7), right=("", "early"))
    assert [detected(one) for one in (found, wrong)] == [True, False]
    assert [right_first(one, ALONE) for one in (found, wrong)] == [True, False]
    assert not false_alarm(well)
    assert false_alarm(made_up("healthy/b", ("input.range", 0.6), right=("", "early")))
    assert named(wrong, ALONE) == "early"
    assert confusion([found, wrong, well], ALONE)["lr.too_low"] == {"lr.too_low": 1, "(none)": 1}
    assert quantiles([3.0, 1.0, 2.0]) == "median 2, 90 % within 3, at most 3"


def test_the_report_names_what_went_wrong() -> None:
    rows = [
        made_up("lr.too_low/1e-6", ("lr.too_low", 0.9), alarm="stalled"),
        made_up("head.not_training/lr", ("early", 0.7), right=("head.not_training",)),
        made_up("healthy/default", ("input.range", 0.6), right=("", "early")),
    ]
    page = report(rows, [], catalogue(), "python -m benchmarks.faults")
    assert "| detected by the run alone | 1 of 2 (50.0%) |" in page
    assert "| false alarms per healthy run, from the run alone | 1 of 1 (100.0%) |" in page
    assert "`head.not_training/lr` on synthetic, seed 1: told early 0.70" in page
    assert "`healthy/default` on synthetic, seed 1, meant as healthy: none, told input.range 0.60" in page
