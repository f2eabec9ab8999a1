"""Axes as people write them, and the heads that come of them."""

from __future__ import annotations

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import value_of
from edgeft_core.config_sweep import SweepAxis, SweepConfig
from edgeft_core.errors import ConfigError
from edgeft_core.labs.sweep.axes import LR, grid_values, parse_axis
from edgeft_core.labs.sweep.base import with_sweep
from edgeft_core.labs.sweep.heads import checked_sweep, config_of, head_count, heads_of
from edgeft_core.presets import PRESETS


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ("head.scale=4,8,16", "head.scale", (4.0, 8.0, 16.0)),
        ("head.temperature=log:0.5..8:5", "head.temperature", (0.5, 1.0, 2.0, 4.0, 8.0)),
        ("temperature=0.5..8:5", "head.temperature", (0.5, 1.0, 2.0, 4.0, 8.0)),
        ("margin=0..0.5:6", "head.margin_rad", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ("lr=1e-4..1e-2:3", LR, (1e-4, 1e-3, 1e-2)),
        ("centre=on,off", "head.centre", (True, False)),
        ("head=arcface, softmax", "head.kind", ("arcface", "softmax")),
    ],
)
def test_axes_are_read_as_they_are_written(text: str, key: str, values: tuple[object, ...]) -> None:
    axis = parse_axis(text)
    assert axis.key == key
    assert grid_values(axis) == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("head.scale", "has no values"),
        ("head.scale= ,", "has no values"),
        ("head.scal=4", "did you mean head.scale"),
        ("data.batch_size=4", "cannot differ in this"),
        ("scale=4,1e9", "less than or equal to 256"),
        ("scale=4,eight", "valid number"),
        ("scale=8..4", "must rise"),
        ("margin=log:0..1", "begins above 0"),
        ("scale=4..", "no range"),
        ("scale=a..b", "no range"),
        ("head=arcface..softmax", "no range"),
        ("head=1..2", "list its values"),
    ],
)
def test_what_cannot_be_an_axis_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_axis(text)


def test_a_grid_has_every_combination_the_last_axis_fastest() -> None:
    sweep = SweepConfig(axes=(parse_axis("scale=4,8"), parse_axis("margin=0,0.1,0.2")))
    assert head_count(sweep) == 6
    assert [tuple(head.values()) for head in heads_of(sweep, seed=1)] == [
        (4.0, 0.0), (4.0, 0.1), (4.0, 0.2), (8.0, 0.0), (8.0, 0.1), (8.0, 0.2),
    ]  # fmt: skip


def test_a_draw_depends_on_the_seed_alone_and_stays_inside() -> None:
    sweep = SweepConfig(axes=(parse_axis("scale=4..64"), parse_axis("head=arcface,cosface")), draws=200)
    heads = heads_of(sweep, seed=3)
    assert heads == heads_of(sweep, seed=3) != heads_of(sweep, seed=4)
    scales = [float(head["head.scale"]) for head in heads]
    assert 4 <= min(scales) < 5
    assert 51 < max(scales) <= 64
    below = sum(scale < 16 for scale in scales)
    assert 70 < below < 130  # half of a logarithmic range lies below its geometric middle
    assert {head["head.kind"] for head in heads} == {"arcface", "cosface"}


def test_everything_that_is_wrong_is_said_at_once() -> None:
    axes = (SweepAxis(key="head.scale", values=(1e9,)), SweepAxis(key="nothing", values=(1.0,)))
    with pytest.raises(ConfigError) as caught:
        checked_sweep(SweepConfig(axes=axes))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("axes", [("scale=4,8",), ("scale=4,8", "scale=16,32")])
def test_one_axis_and_an_axis_given_twice_are_refused(axes: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"2 to 6 axes|there twice"):
        with_sweep(RunConfig(), [parse_axis(axis) for axis in axes])


def test_more_heads_than_a_sweep_takes_are_refused() -> None:
    with pytest.raises(ConfigError, match="give fewer values, or draw"):
        with_sweep(
            RunConfig(),
            [parse_axis("scale=4..64:64"), parse_axis("lr=1e-4..1e-2:64"), parse_axis("centre=on,off")],
        )


def test_a_sweep_takes_the_first_stage_with_its_backbone_frozen() -> None:
    config = with_sweep(PRESETS["reported-before"](), [parse_axis("scale=4,8"), parse_axis("lr=1e-4,1e-3")])
    assert len(config.stages) == 1
    assert not config.stages[0].train_backbone
    assert config.stages[0].cached_views >= 1
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_one_head_alone_is_a_plain_run() -> None:
    config = with_sweep(RunConfig(), [parse_axis("scale=4,8"), parse_axis("lr=1e-4,1e-3")])
    alone = config_of(config, {"head.scale": 4.0, LR: 1e-3})
    assert alone.sweep is None
    assert value_of(alone, "head.scale") == 4.0
    assert alone.stages[0].head_lr == 1e-3
