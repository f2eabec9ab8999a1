"""The edge of collapse, on maps whose answer is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgeft_core.config import RunConfig
from edgeft_core.labs.sweep.axes import LR
from edgeft_core.labs.sweep.edge import S_EFF, collapsed, effects_of, find_border, find_edge
from edgeft_core.labs.sweep.heads import HeadSettings
from edgeft_core.labs.sweep.map import axis_values, border_of, map_of
from edgeft_core.labs.sweep.marks import differences, nearest_head, place_on, reported_marks

SCALES, TEMPERATURES, RATES = (2.0, 4.0, 8.0, 16.0, 32.0), (1.0, 2.0, 4.0, 8.0), (1e-4, 1e-3)


def grid() -> list[HeadSettings]:
    rows = itertools.product(SCALES, TEMPERATURES, RATES)
    return [{"head.scale": s, "head.temperature": t, LR: rate} for s, t, rate in rows]


def shares(effects: object) -> dict[tuple[str, ...], float]:
    return {effect.axes: effect.share for effect in effects}  # type: ignore[attr-defined]


def test_one_axis_that_does_everything_explains_everything() -> None:
    heads = grid()
    found = shares(effects_of(heads, np.array([float(head["head.scale"]) for head in heads])))
    assert found["head.scale",] == pytest.approx(1.0)
    assert found[LR,] == pytest.approx(0.0, abs=1e-12)
    assert found["head.scale", LR] == pytest.approx(0.0, abs=1e-12)


def test_two_axes_that_add_up_share_the_variance_as_worked_out_by_hand() -> None:
    heads: list[HeadSettings] = [
        {"head.scale": s, "head.margin_rad": m} for s, m in itertools.product((1.0, 2.0), (0.0, 0.1))
    ]
    # y = 3 [s = 2] + [m = 0.1]: variances 9/4 and 1/4 of 10/4
    found = shares(effects_of(heads, np.array([0.0, 1.0, 3.0, 4.0])))
    assert found["head.scale",] == pytest.approx(0.9)
    assert found["head.margin_rad",] == pytest.approx(0.1)
    assert found["head.scale", "head.margin_rad"] == pytest.approx(0.0, abs=1e-12)


def test_what_only_both_axes_together_do_belongs_to_the_pair() -> None:
    heads: list[HeadSettings] = [
        {"head.scale": s, "head.margin_rad": m} for s, m in itertools.product((1.0, 2.0), (0.0, 0.1))
    ]
    found = shares(effects_of(heads, np.array([0.0, 1.0, 1.0, 0.0])))
    assert found == {
        ("head.scale", "head.margin_rad"): pytest.approx(1.0),
        ("head.scale",): pytest.approx(0.0),
        ("head.margin_rad",): pytest.approx(0.0),
    }


def test_a_random_draw_finds_the_axis_that_matters_and_none_in_noise() -> None:
    random = np.random.default_rng(5)
    heads: list[HeadSettings] = [
        {"head.scale": float(s), LR: float(rate)} for s, rate in random.uniform(1, 2, (400, 2))
    ]
    scale_K = np.array([float(head["head.scale"]) for head in heads])
    steps_K = np.floor(4 * (np.argsort(np.argsort(scale_K)) / 400))  # constant within quarters
    found = shares(effects_of(heads, steps_K + random.normal(0, 0.3, 400)))
    assert found["head.scale",] == pytest.approx(1.25 / (1.25 + 0.09), abs=0.03)
    assert found[LR,] < 0.02
    noise = shares(effects_of(heads, random.normal(size=400)))
    assert max(noise.values()) < 0.06


def test_the_border_is_found_along_the_quotient_that_causes_it() -> None:
    heads = grid()
    s_eff = np.array([float(head["head.scale"]) / float(head["head.temperature"]) for head in heads])
    border = find_border(heads, s_eff < 3)
    assert border is not None
    assert (border.axis, border.below, border.lower, border.upper) == (S_EFF, True, 2.0, 4.0)
    assert border.collapsed_inside == border.inside == int((s_eff < 3).sum())
    assert border.collapsed_outside == 0


def test_heads_that_collapse_above_a_value_are_told_so() -> None:
    heads = grid()
    border = find_border(heads, np.array([head[LR] == 1e-3 for head in heads]))
    assert border is not None
    assert (border.axis, border.below) == (LR, False)


def test_there_is_no_border_where_all_are_alike_or_chance_decides() -> None:
    heads = grid()
    assert find_border(heads, np.ones(len(heads), bool)) is None
    assert find_border(heads, np.zeros(len(heads), bool)) is None
    assert find_border(heads, np.random.default_rng(1).random(len(heads)) < 0.5) is None


def test_heads_that_were_not_measured_are_left_out() -> None:
    heads = grid()
    value_K = np.array([0.9 if head["head.scale"] == 2.0 else 0.1 for head in heads])
    value_K[::3] = np.nan
    edge = find_edge(heads, value_K, value_K > 0.5)
    assert edge.effects[0].axes == ("head.scale",)
    assert edge.border is not None
    assert edge.border.upper == 4.0


def test_collapse_is_judged_by_the_verdicts_thresholds() -> None:
    share_K, effective_K = np.array([0.02, 0.30, 0.10, np.nan]), np.array([250.0, 100.0, 20.0, np.nan])
    assert collapsed(share_K, effective_K, 518, 512).tolist() == [False, True, True, False]


def test_behind_a_cell_the_best_head_stands_unless_one_is_fixed() -> None:
    heads = grid()
    value_K = np.array([float(head["head.scale"]) + (head[LR] == 1e-3) for head in heads])
    whole = map_of(heads, value_K, "head.scale", "head.temperature", fixed={}, lower_is_better=True)
    assert whole.value_YX.tolist() == [list(SCALES)] * 4
    assert (whole.behind_YX == 2).all()
    fixed = map_of(heads, value_K, "head.scale", "head.temperature", fixed={LR: 1e-3}, lower_is_better=True)
    assert fixed.value_YX.tolist() == [[scale + 1 for scale in SCALES]] * 4
    assert heads[int(fixed.head_YX[3, 1])] == {"head.scale": 4.0, "head.temperature": 8.0, LR: 1e-3}


def test_the_border_on_the_map_runs_between_cells() -> None:
    bad_YX = np.array([[True, False], [True, True]])
    edges = border_of(bad_YX, np.ones((2, 2), bool))
    assert edges == [(0.5, -0.5, 0.5, 0.5), (0.5, 0.5, 1.5, 0.5)]
    assert border_of(bad_YX, np.array([[True, False], [True, True]])) == []


def test_words_keep_their_order_and_numbers_rise() -> None:
    heads: list[HeadSettings] = [
        {"head.kind": "softmax", "head.centre": True},
        {"head.kind": "arcface", "head.centre": False},
    ]
    assert axis_values(heads, "head.kind") == ("softmax", "arcface")
    assert axis_values(heads, "head.centre") == (False, True)


def test_reported_settings_lie_where_the_report_has_them() -> None:
    before, fix = reported_marks()
    assert (before.settings["head.scale"], before.settings["head.temperature"]) == (32.0, 1.0)
    assert (fix.settings["head.scale"], fix.settings["head.temperature"], fix.settings[LR]) == (
        8.0,
        4.0,
        1e-4,
    )
    heads = grid()
    assert heads[nearest_head(heads, fix)] == {"head.scale": 8.0, "head.temperature": 4.0, LR: 1e-4}
    assert heads[nearest_head(heads, before)] == {"head.scale": 32.0, "head.temperature": 1.0, LR: 1e-3}
    assert differences(RunConfig(), ("head.scale", "head.temperature", LR), fix) == {
        "head.margin_rad": 0.1,
        "head.label_smoothing": 0.08,
    }


def test_a_value_between_two_cells_or_beyond_them_has_its_place() -> None:
    assert place_on("head.scale", (4.0, 16.0), 8.0).at == pytest.approx(0.5)
    assert place_on("head.margin_rad", (0.0, 0.4), 0.1).at == pytest.approx(0.25)
    off = place_on("head.scale", (4.0, 16.0), 32.0)
    assert (off.at, off.beyond) == (1.0, 1)
    assert place_on("head.scale", (16.0, 64.0), 8.0).beyond == -1
    assert place_on("head.kind", ("cosface", "softmax"), "arcface").at is None
