"""Settings that move over many steps."""

from __future__ import annotations

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.errors import ConfigError
from edgeft_core.ramps import Ramp, ramps_to


def test_a_ramp_begins_to_move_in_its_first_step_and_arrives_in_its_last() -> None:
    ramp = Ramp(start=0.1, target=0.5, first=11, steps=4)
    assert [ramp.at(step) for step in (9, 10)] == [0.1, 0.1]
    assert [ramp.at(step) for step in (11, 12, 13)] == pytest.approx([0.2, 0.3, 0.4])
    assert (ramp.last, ramp.at(14), ramp.at(99)) == (14, 0.5, 0.5)


def test_a_multiplicative_quantity_moves_by_equal_factors_unless_one_end_is_zero() -> None:
    ramp = Ramp(start=1e-4, target=1e-2, first=1, steps=2, geometric=True)
    assert ramp.at(1) == pytest.approx(1e-3)
    assert Ramp(0.0, 1e-2, 1, 2, geometric=True).at(1) == pytest.approx(5e-3)


def test_only_numbers_can_move_gradually_and_all_that_cannot_are_named() -> None:
    config = RunConfig()
    target = with_values(config, {"head.scale": 64, "head.centre": True, "stages.0.epochs": 12})
    start = {"head.scale": 16.0, "head.centre": False, "stages.0.epochs": 10}
    with pytest.raises(ConfigError) as refused:
        ramps_to(target, start, 100)
    assert [text.split(":")[0] for text in refused.value.problems] == ["head.centre", "stages.0.epochs"]
    ramps = ramps_to(target, {"head.scale": 16.0}, 100, first=5)
    assert ramps == {"head.scale": Ramp(16.0, 64.0, 5, 100, geometric=True)}
