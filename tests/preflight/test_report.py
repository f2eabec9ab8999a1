"""Reports survive JSON, are found again for the same question, and are asked for anew when anything changed."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import Finding, Level
from edgeft_core.preflight import kept
from edgeft_core.preflight.report import Passed, PreflightReport, listed, worst_first

REPORT = PreflightReport(
    findings=(
        Finding(
            "a.b", "blocking", "No.", "input.range", {"x": 1.5}, ("one",), {"data.normalisation": "imagenet"}
        ),
        Finding("a.c", "info", "Well."),
    ),
    passed=(Passed("d.e", "Fine.", {"y": 2.0}),),
    sampled=("Some.",),
    unchecked=("Other: broke.",),
    took_s=1.25,
)


def test_a_report_survives_json() -> None:
    assert PreflightReport.from_dict(json.loads(json.dumps(REPORT.as_dict()))) == REPORT


def test_the_worst_finding_names_the_report() -> None:
    assert REPORT.worst == "blocking"
    assert [one.check for one in REPORT.blocking] == ["a.b"]
    assert PreflightReport().worst == "ok"


def test_numbers_that_json_does_not_know_are_left_out() -> None:
    assert Passed("a", "b", {"x": math.nan, "y": 1.0}).as_dict()["values"] == {"y": 1.0}


def test_findings_are_sorted_by_level_and_keep_their_order_within() -> None:
    levels: list[Level] = ["info", "blocking", "warning", "info"]
    found = [Finding(str(number), level, "") for number, level in enumerate(levels, start=1)]
    assert [one.check for one in worst_first(found)] == ["2", "3", "1", "4"]


def test_long_lists_are_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_a_kept_report_is_found_for_the_same_question_only(tmp_path: Path) -> None:
    config = RunConfig()
    assert kept.kept_report(tmp_path, config) is None
    kept.keep_report(tmp_path, config, REPORT)
    assert kept.kept_report(tmp_path, config) == REPORT
    assert kept.kept_report(tmp_path, with_values(config, {"head.scale": 9})) is None
    renamed = with_values(config, {"preset": "other", "threads": 3})
    assert kept.kept_report(tmp_path, renamed) == REPORT, "neither changes what is checked"


def test_a_changed_folder_is_a_new_question(tmp_path: Path) -> None:
    people = tmp_path / "people"
    (people / "ann").mkdir(parents=True)
    config = with_values(RunConfig(), {"data.source": str(people)})
    before = kept.key_of(config)
    assert kept.key_of(config) == before
    (people / "ann" / "1.png").write_bytes(b"x")
    os.utime(people / "ann", (1, 1))
    assert kept.key_of(config) != before


def test_a_changed_weight_file_is_a_new_question(tmp_path: Path) -> None:
    weights = tmp_path / "w.pt"
    weights.write_bytes(b"1")
    config = with_values(RunConfig(), {"backbone.weights": str(weights)})
    before = kept.key_of(config)
    weights.write_bytes(b"22")
    assert kept.key_of(config) != before


def test_relative_and_absolute_paths_are_one_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people").mkdir()
    monkeypatch.chdir(tmp_path)
    absolute = with_values(RunConfig(), {"data.source": str((tmp_path / "people").resolve())})
    assert kept.key_of(with_values(RunConfig(), {"data.source": "people"})) == kept.key_of(absolute)


def test_a_damaged_report_counts_as_none_and_a_full_disk_costs_nothing(tmp_path: Path) -> None:
    config = RunConfig()
    kept.keep_report(tmp_path, config, REPORT)
    next((tmp_path / "preflight").glob("*.json")).write_text("{", encoding="utf-8")
    assert kept.kept_report(tmp_path, config) is None
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    kept.keep_report(tmp_path / "file", config, REPORT)


def test_old_reports_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT_AT_MOST", 3)
    for seed in range(6):
        kept.keep_report(tmp_path, with_values(RunConfig(), {"seed": seed}), REPORT)
    assert len(list((tmp_path / "preflight").glob("*.json"))) == 3
