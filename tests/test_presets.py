"""Presets: whole, valid, and with the reported numbers."""

from __future__ import annotations

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import from_tree, value_of
from edgeft_core.diagnostics.theory import attainable_probability
from edgeft_core.presets import PRESETS

SHARED = {
    "seed": 42,
    "data.batch_size": 32,
    "head.kind": "arcface",
    "head.label_smoothing": 0.08,
    "stages.0.train_backbone": False,
    "stages.0.weight_decay": 3e-5,
    "stages.0.clip_norm": 1.0,
    "stages.1.train_backbone": True,
    "stages.1.head_lr": 3e-5,
    "stages.1.schedule": "cosine",
    "stages.1.contrastive_weight": 0.3,
    "stages.1.patience_epochs": 10,
}


def settings(
    px: int, epochs: tuple[int, int], s: float, m: float, t: float, head: float, body: float
) -> dict[str, object]:
    return {
        **SHARED,
        "data.low_res_px": px,
        "stages.0.epochs": epochs[0],
        "stages.1.epochs": epochs[1],
        "head.scale": s,
        "head.margin_rad": m,
        "head.temperature": t,
        "stages.0.head_lr": head,
        "stages.1.backbone_lr": body,
    }


REPORTED = {
    "reported-before": settings(32, (10, 25), 32.0, 0.3, 1.0, 9e-4, 3e-6),
    "reported-fix": settings(32, (10, 25), 8.0, 0.1, 4.0, 1e-4, 3e-6),
    "reported-fix-16px": settings(16, (15, 40), 12.0, 0.1, 3.0, 1.5e-4, 5e-6),
    "reported-fix-24px": settings(24, (12, 35), 10.0, 0.1, 3.5, 1.3e-4, 4e-6),
}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_named_and_survives_a_file(name: str) -> None:
    config = PRESETS[name]()
    assert config.preset == name
    assert from_tree(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("name", REPORTED)
def test_the_reported_settings_are_those_of_the_report(name: str) -> None:
    config = PRESETS[name]()
    assert {key: value_of(config, key) for key in REPORTED[name]} == REPORTED[name]


def test_the_collapse_demo_differs_from_the_report_in_its_input_alone() -> None:
    demo, before = PRESETS["collapse-demo"](), PRESETS["reported-before"]()
    assert demo.data.normalisation == "none"
    assert demo.backbone.weights == "demo"
    same = demo.model_copy(update={"preset": before.preset, "data": before.data})
    assert same == before


def test_insightface_is_arcface_as_published() -> None:
    head = PRESETS["insightface"]().head
    assert (head.kind, head.scale, head.margin_rad, head.temperature) == ("arcface", 64.0, 0.5, 1.0)


def test_the_recommended_scale_can_reach_a_useful_probability_and_the_reported_fix_cannot() -> None:
    def reach(config: RunConfig) -> float:
        return attainable_probability(config.head.scale / config.head.temperature, config.data.identities)

    assert reach(PRESETS["recommended"]()) > 0.99
    assert reach(PRESETS["reported-fix"]()) < 0.02


def test_the_first_preset_is_the_default() -> None:
    assert next(iter(PRESETS)) == "recommended" == RunConfig().preset
