"""The preflight beside a page: real processes, progress, an answer that is kept, a sentence when there is none."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import Finding
from edgeft_core.diagnostics.kept import read_findings
from edgeft_core.jobs.preflighting import PreflightProcess, PreflightProgress, start_preflight
from edgeft_core.preflight.kept import keep_report
from edgeft_core.preflight.report import PreflightReport
from edgeft_core.settings import Home


def small(**values: object) -> RunConfig:
    named = {
        "data.identities": 8,
        "data.images_per_identity": 4,
        "data.image_px": 64,
        "backbone.weights": "none",
    }
    return with_values(RunConfig(), {**named, **values})


def awaited(job: PreflightProcess, seconds: float = 180.0) -> list[PreflightProgress]:
    """Everything that was told until it ended."""
    told: list[PreflightProgress] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        told.append(job.poll())
        if not told[-1].running:
            return told
        time.sleep(0.05)
    job.stop()
    raise AssertionError(f"still at {told[-1].what}")


@pytest.mark.slow
def test_a_process_tells_progress_then_the_quick_half_then_all_and_keeps_it(home: Home) -> None:
    job = start_preflight(home, small())
    told = awaited(job)
    assert not told[-1].error
    report = told[-1].report
    assert report is not None
    assert report.complete
    checks = {one.check for one in report.findings} | {one.check for one in report.passed}
    assert "embeddings.spread" in checks
    assert any(one.report is not None and not one.report.complete for one in told), (
        "the quick half came first"
    )
    assert len({one.what for one in told}) > 3
    assert not list((home.cache / "preflight").glob("*.lines")), "nothing is left lying about"

    again = start_preflight(home, small())
    assert again.poll() == PreflightProgress(running=False, report=report)


def test_asking_afresh_starts_a_process_again_and_it_can_be_stopped(home: Home) -> None:
    keep_report(home.cache, small(), PreflightReport())
    job = start_preflight(home, small(), fresh=True)
    assert job.poll().running
    job.stop()
    ended = job.poll()
    assert not ended.running
    assert not ended.error


def test_data_that_cannot_be_had_is_a_finding_not_a_crash(home: Home, tmp_path: Path) -> None:
    told = awaited(start_preflight(home, small(**{"data.source": str(tmp_path / "nowhere")})))
    report = told[-1].report
    assert report is not None
    assert [one.check for one in report.blocking] == ["data.source"]
    assert not told[-1].error


def test_a_process_that_dies_says_so(home: Home) -> None:
    job = PreflightProcess.start(home, small())
    assert job._beside is not None
    assert job._beside._process is not None
    job._beside._process.kill()
    told = awaited(job)
    assert told[-1].error.startswith("The check ended early")


def test_a_run_keeps_what_was_found_before_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)
    finding = Finding("data.imbalance", "warning", "Skewed.", "data.imbalance", {"share": 0.5})
    keep_report(home.cache, small(), PreflightReport(findings=(finding,)))
    run = jobs.launch(home, small())
    assert read_findings(home.run_folder(run.id)) == (finding,)
    other = jobs.launch(home, small(**{"head.scale": 20}))
    assert read_findings(home.run_folder(other.id)) == ()


def test_the_page_s_side_loads_without_torch() -> None:
    code = (
        "import sys, edgeft_core.jobs.preflighting, edgeft_core.jobs.probing, edgeft_core.preflight.checking\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'timm', 'torchvision')))"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=120, check=False).returncode == 0
