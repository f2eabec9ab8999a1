"""Estimates of the time that is left, with hand-computed values."""

from __future__ import annotations

import pytest

from edgeft_core.config import StageConfig
from edgeft_core.jobs.worker.pace import Pace

HEAD = StageConfig(epochs=10)
FULL = StageConfig(epochs=2, train_backbone=True, backbone_lr=1e-5)


def steady(pace: Pace, *, first: int, steps: int, seconds: float, begin_s: float = 0.0) -> None:
    for index in range(steps):
        pace.mark(first + index, begin_s + index * seconds)


def test_nothing_is_said_before_anything_was_measured() -> None:
    pace = Pace([HEAD])
    assert pace.eta(0.0, 100) == (None, "run")
    pace.mark(1, 0.0)
    assert pace.eta(0.01, 100) == (None, "run")


def test_what_is_left_at_the_measured_rate() -> None:
    pace = Pace([HEAD])
    steady(pace, first=1, steps=101, seconds=0.01)
    eta_s, scope = pace.eta(1.0, 100)
    assert eta_s == pytest.approx(9 * 100 * 0.01)
    assert scope == "run"


def test_a_stage_of_another_kind_ahead_is_not_guessed_from_cheap_steps() -> None:
    pace = Pace([HEAD, FULL])
    steady(pace, first=1, steps=101, seconds=0.01)
    eta_s, scope = pace.eta(1.0, 100)
    assert eta_s == pytest.approx(9.0)
    assert scope == "stage"


def test_a_later_stage_of_a_kind_that_was_measured_counts() -> None:
    pace = Pace([HEAD, FULL, HEAD])
    steady(pace, first=1, steps=101, seconds=0.01)
    pace.restart(1)
    steady(pace, first=1001, steps=11, seconds=1.0, begin_s=100.0)
    eta_s, scope = pace.eta(1.0, 100)
    assert eta_s == pytest.approx(100 * 1.0 + 1000 * 0.01)
    assert scope == "run"


def test_time_in_which_nothing_was_trained_does_not_count() -> None:
    pace = Pace([HEAD])
    steady(pace, first=1, steps=11, seconds=0.01)
    pace.restart()
    steady(pace, first=12, steps=11, seconds=0.01, begin_s=3600.0)
    eta_s, scope = pace.eta(5.0, 100)
    assert eta_s == pytest.approx(5.0)
    assert scope == "run"


def test_a_standstill_that_nobody_told_of_does_not_count() -> None:
    pace = Pace([HEAD])
    steady(pace, first=1, steps=50, seconds=0.01)
    steady(pace, first=51, steps=51, seconds=0.01, begin_s=120.0)  # the disk was full for two minutes
    eta_s, _ = pace.eta(1.0, 100)
    assert eta_s == pytest.approx(9 * 100 * 0.01)


def test_only_the_last_seconds_count() -> None:
    pace = Pace([HEAD])
    steady(pace, first=1, steps=11, seconds=10.0)
    steady(pace, first=12, steps=2001, seconds=0.1, begin_s=100.1)
    eta_s, _ = pace.eta(9.0, 100)
    assert eta_s == pytest.approx(10.0, rel=0.01)
