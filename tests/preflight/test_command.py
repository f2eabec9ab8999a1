"""``python -m edgeft_core preflight``: the same report in words and as one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeft_core.cli import main
from edgeft_core.cli.preflight import described
from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.report import Passed, PreflightReport

FIX = {"data.normalisation": "imagenet"}
SMALL = ["--set", "data.identities=12", "--set", "data.images_per_identity=4", "--set", "data.image_px=64"]


def test_json_is_the_report_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--preset", "reported-fix", "--weights", "none", *SMALL, "--set", "head.scale=4"]
    code = main(["preflight", *arguments, "--home", str(tmp_path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["preset"] == "reported-fix"
    assert told["complete"]
    assert told["worst"] == "warning"
    assert "scale.too_low" in {one["cause"] for one in told["findings"]}
    assert PreflightReport.from_dict(told).findings[0].level == "warning"


def test_a_config_that_is_wrong_is_refused_before_anything_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["preflight", "--set", "head.scal=4", "--home", str(tmp_path), "--json"])
    assert code == 2
    assert "head.scale" in json.loads(capsys.readouterr().out)["error"]


def test_words_begin_with_what_to_mend_and_end_with_the_sum() -> None:
    finding = Finding(
        "embeddings.input_range",
        "blocking",
        "Pixels.",
        "input.range",
        {},
        ("a.png",),
        {"data.normalisation": "imagenet"},
    )
    report = PreflightReport((finding,), (Passed("x", "Fine."),), ("Some only.",), ("Memory: broke.",), 3.21)
    assert described(report).splitlines() == [
        "BLOCKING  embeddings.input_range (input.range)",
        "          Pixels.",
        "          - a.png",
        "          --set data.normalisation=imagenet",
        "ok        Fine.",
        "sampled   Some only.",
        "unchecked Memory: broke.",
        "1 blocking, 0 warnings, 1 checks passed, 3.2 s.",
    ]
