"""The lines above the live charts: calm ones, and the banner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeft_core import queries
from edgeft_core.diagnostics.status import Status, Verdict
from edgeft_core.settings import Home
from tests.recorded import recorded_run
from ui.live.verdict import banner_lines, calm_lines, concentration

COLLAPSED = concentration(np.array([52, 20, 15, 8, 5] + [0] * 513), np.full(518, 2), 100)


@pytest.fixture
def status(tmp_path: Path) -> queries.RunStatus:
    home = Home(tmp_path / "home").ensure()
    found = queries.run_status(home, recorded_run(home).id)
    queries.forget(home)
    return found


def told(status: queries.RunStatus, verdict: Status, *reasons: str, cause: str = "") -> queries.RunStatus:
    return replace(
        status,
        verdict=Verdict(verdict, 120, reasons),
        likely_cause=cause,
        cause_confidence=0.94 if cause else None,
    )


def plain(lines: tuple[str, str]) -> str:
    return " ".join(lines).replace("\\", "").replace("*", "")


def test_a_collapse_is_told_in_numbers_with_its_likely_cause(status: queries.RunStatus) -> None:
    words = plain(banner_lines(told(status, "collapsed", "seen", cause="input.range"), COLLAPSED))
    assert "COLLAPSED since step 120" in words
    assert "5 of 518 classes are predicted, the largest takes 52.0 %" in words
    assert "guessing: below" in words
    assert "Likely cause: input.range (94 %)" in words


def test_the_newest_batch_is_told_only_where_it_is_clearly_ahead_of_the_window() -> None:
    window_C, labels_C = np.full(518, 2), np.full(518, 2)
    one_class_C = np.bincount([7] * 24 + list(range(8)), minlength=518).astype(np.int32)
    spread_C = np.ones(518, np.int32)
    ahead = concentration(window_C, labels_C, 1036, one_class_C)
    assert ahead is not None and ahead.sentence().endswith("**78.1 %** of the newest batch")
    calm = concentration(window_C, labels_C, 1036, spread_C)
    assert calm is not None and "newest batch" not in calm.sentence()
    fallen = concentration(one_class_C, labels_C, 32, one_class_C)
    assert fallen is not None and "newest batch" not in fallen.sentence()


def test_a_stall_is_told_by_what_was_seen(status: queries.RunStatus) -> None:
    words = plain(banner_lines(told(status, "stalled", "Top-1 stays at 0.2%"), COLLAPSED))
    assert "STALLED since step 120" in words
    assert "Top-1 stays at 0.2\u00a0%" in words
    assert "No cause stands out yet" in words


def test_watch_is_one_calm_line_with_its_likely_cause(status: queries.RunStatus) -> None:
    words = plain(calm_lines(told(status, "watch", cause="input.range"), COLLAPSED))
    assert "watch since step 120, likely input.range (94 %)" in words


def test_a_good_verdict_names_no_cause(status: queries.RunStatus) -> None:
    words = plain(calm_lines(told(status, "healthy", cause="lr.too_low"), None))
    assert "healthy since step 120" in words
    assert "lr.too_low" not in words
    assert "no predictions yet" in words
