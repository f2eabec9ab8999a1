from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import settings_of
from ui.controls import format_value, label_of
from ui.ladder import ladder

SETTINGS = settings_of(RunConfig())


def test_a_ladder_has_round_stops_between_its_bounds() -> None:
    assert ladder(1, 10) == (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def test_whole_numbers_climb_in_powers_of_two() -> None:
    assert ladder(2, 32, whole=True) == (2, 4, 8, 16, 32)


def test_a_bound_of_zero_is_a_stop_of_its_own() -> None:
    stops = ladder(0, 1)
    assert stops[0] == 0
    assert stops[1] == pytest.approx(1e-7)
    assert stops[-1] == 1


def test_the_value_in_force_is_a_stop_even_if_it_is_not_round() -> None:
    assert 8.84 in ladder(0.5, 256, extra=(8.84,))
    assert 300.0 not in ladder(0.5, 256, extra=(300.0,))


@given(st.floats(1e-6, 1e3), st.floats(1.5, 1e6))
def test_stops_ascend_and_hold_both_bounds(low: float, times: float) -> None:
    stops = ladder(low, low * times)
    assert stops[0] == low
    assert stops[-1] == low * times
    assert list(stops) == sorted(set(stops))


@pytest.mark.parametrize("key", [key for key, one in SETTINGS.items() if one.log])
def test_every_logarithmic_setting_has_a_default_on_a_ladder_that_a_hand_can_set(key: str) -> None:
    one = SETTINGS[key]
    assert one.minimum is not None
    assert one.maximum is not None
    stops = ladder(one.minimum, one.maximum, whole=one.kind == "int", extra=(float(one.default),))
    assert float(one.default) in stops
    assert len(stops) <= 80


def test_values_are_written_as_people_write_them() -> None:
    assert format_value(SETTINGS["stages.0.head_lr"], 1e-4) == "1e-4"
    assert format_value(SETTINGS["head.scale"], 8.0) == "8"
    assert format_value(SETTINGS["head.centre"], True) == "on"
    assert format_value(SETTINGS["data.workers"], None) == "auto"
    assert format_value(SETTINGS["data.normalisation"], "minus_one_to_one") == "-1 to 1"


def test_labels_carry_the_unit() -> None:
    assert label_of(SETTINGS["head.margin_rad"]) == "Margin m (rad)"
    assert label_of(SETTINGS["head.scale"]) == "Scale s"
